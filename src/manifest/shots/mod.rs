//! From an entry of `shots` to shots: what it says ([`entry`]), what its shots share ([`recipe`]),
//! rows × matrix × takes ([`expand`]), each shot's request ([`request`]) and name ([`finish`]).

pub(super) mod entry;
pub(super) mod expand;
mod finish;
pub(super) mod identity;
pub(super) mod media;
mod names;
mod origin;
mod recipe;
mod request;
mod shape;
mod source;
pub(super) mod template;
