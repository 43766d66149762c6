//! Everything that needs a socket, a disk or a process of its own.

mod clips;
mod gateway;
mod support;
