//! Tests of the whole engine.

mod basic;
