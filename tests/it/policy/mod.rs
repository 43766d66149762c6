//! Pure decisions: pace, waits, money, order.

mod backpressure;
mod budget;
mod granted;
mod limits;
mod queue;
mod rate;
mod rejections;
mod retry;
