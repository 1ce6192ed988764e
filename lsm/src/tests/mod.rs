//! Tests of the whole engine.

mod basic;
mod crash;
mod model;
mod threads;

pub(crate) use basic::{Machine, all, commit, small};
