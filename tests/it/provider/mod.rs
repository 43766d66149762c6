//! Providers: one suite that all of them pass, and the HTTP client against a scripted server.

mod account;
mod conformance;
mod contents;
mod downloads;
mod http;
mod loads;
mod odd_answers;
mod odd_exchanges;
mod rigs;
mod wire;
