//! The world over a socket.
