//! The contact sheet in a real browser: headless Chromium, driven through its own driver. Needs
//! `chromium` and `chromedriver`; `tests/all.sh` installs them.

mod driver;
mod harm;
mod live;
mod review;
mod sheet;
mod thousand;
