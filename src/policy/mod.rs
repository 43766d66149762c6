//! Pure decisions: how fast, how long to wait, whether the money reaches, which shot is next. No
//! clock, no I/O; time and chance are arguments.

pub mod backpressure;
pub mod budget;
pub mod granted;
pub mod late;
pub mod limits;
pub mod pacer;
pub mod queue;
pub mod rate;
pub mod rejections;
pub mod retry;
