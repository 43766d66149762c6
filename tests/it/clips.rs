//! Clips on a real disk.
