//! placeholder
#[derive(Default)]
pub(crate) struct EffectiveCache {}
