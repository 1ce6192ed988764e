//! Plans that a session keeps: by fingerprint, where literals may differ, and by exact text for all else.
//!
//! They hold for the definitions of one catalog epoch, until some table is analysed, and for unchanged settings of the
//! session ([`Session::forget_plans`]); no lock is taken to find one, and a statement that has one is not parsed.

use crate::session::Session;
use crate::shared::Counters;
use aurora_parser::{ParseContext, Parsed, Scanned, Statement, fingerprint, same_shape};
use aurora_planner::Plan;
use aurora_types::{Charset, SqlResult, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Plans kept of each kind.
const PLANS_KEPT: usize = 256;
/// Longest text whose plan is kept.
const PLAN_TEXT_BYTES: usize = 4096;
/// Plans of one fingerprint, which differ in literals that no parameter stands for.
const VARIANTS_KEPT: usize = 8;

/// The least first byte of a character of four bytes in UTF-8.
const FOUR_BYTES: u8 = 0xF0;

/// A plan together with the values of the literals that it has parameters for.
pub(crate) type Ready = (Arc<Plan>, Vec<Value>);

/// Statements that differ in literals only.
struct Shape {
    text: Box<[u8]>,
    literals: Box<[Scanned]>,
    variants: Vec<Variant>,
}

struct Variant {
    /// Literals that the plan was made from, by number, with their bytes.
    pinned: Box<[(u16, Box<[u8]>)]>,
    /// The literal that each parameter stands for.
    lifted: Box<[u16]>,
    plan: Arc<Plan>,
}

/// What plans are made of beside text and settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlanEpoch {
    definitions: u64,
    statistics: u64,
}

/// Which text was scanned: by its place, for it is not changed while its statement runs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place(usize, usize);

impl Place {
    fn of(text: &[u8]) -> Place {
        Place(text.as_ptr().addr(), text.len())
    }
}

#[derive(Default)]
pub(crate) struct Plans {
    exact: HashMap<Box<[u8]>, Arc<Plan>>,
    shapes: HashMap<u64, Shape>,
    epoch: PlanEpoch,
    /// Literals of the text that was scanned last; kept for its room.
    scanned: Vec<Scanned>,
    /// The running statement's text, where it was scanned, and its fingerprint.
    last_scan: Option<(Place, Option<u64>)>,
    /// Characters of four bytes are none of the client's, and are warned of when they are planned.
    is_three_bytes: bool,
    #[cfg(test)]
    scans: usize,
}

impl Plans {
    pub fn clear(&mut self) {
        self.exact.clear();
        self.shapes.clear();
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.shapes.is_empty()
    }

    /// The fingerprint of the running statement's text; its literals are in `scanned` afterwards.
    fn scan(&mut self, text: &[u8], context: &ParseContext) -> Option<u64> {
        match self.last_scan {
            Some((place, hash)) if place == Place::of(text) => hash,
            _ => {
                #[cfg(test)]
                {
                    self.scans += 1;
                }
                let hash = fingerprint(text, context, &mut self.scanned);
                self.last_scan = Some((Place::of(text), hash));
                hash
            }
        }
    }

    /// The value of a literal that a parameter stands for.
    fn value(&self, at: usize, text: &[u8], context: &ParseContext) -> Option<Value> {
        let literal = self.scanned.get(at)?;
        if self.is_three_bytes && literal.bytes(text).iter().any(|byte| *byte >= FOUR_BYTES) {
            return None;
        }
        literal.value(text, context)
    }

    fn find(&mut self, text: &[u8], context: &ParseContext) -> Option<Ready> {
        if let Some(hash) = self.scan(text, context)
            && let Some(shape) = self.shapes.get(&hash)
            && same_shape(&shape.text, &shape.literals, text, &self.scanned)
        {
            let bytes = |at: u16| self.scanned.get(usize::from(at)).map(|literal| literal.bytes(text));
            let fits =
                |variant: &&Variant| variant.pinned.iter().all(|(at, pinned)| bytes(*at) == Some(&**pinned));
            let variant = shape.variants.iter().find(fits)?;
            let value = |at: &u16| self.value(usize::from(*at), text, context);
            let values = variant.lifted.iter().map(value).collect::<Option<Vec<Value>>>()?;
            return Some((variant.plan.clone(), values));
        }
        Some((self.exact.get(text)?.clone(), Vec::new()))
    }

    /// Keeps a plan made from `text`, whose literals were scanned last.
    fn keep(&mut self, text: &[u8], hash: Option<u64>, plan: &Arc<Plan>) {
        let Some(variant) = hash.and_then(|_| variant(text, &self.scanned, plan)) else {
            if self.exact.len() >= PLANS_KEPT {
                self.exact.clear();
            }
            self.exact.insert(text.into(), plan.clone());
            return;
        };
        let hash = hash.unwrap_or_default();
        if self.shapes.len() >= PLANS_KEPT && !self.shapes.contains_key(&hash) {
            self.shapes.clear();
        }
        let new = || Shape { text: text.into(), literals: self.scanned[..].into(), variants: Vec::new() };
        let shape = self.shapes.entry(hash).or_insert_with(new);
        if !same_shape(&shape.text, &shape.literals, text, &self.scanned) {
            *shape = new();
        }
        shape.variants.retain(|known| known.pinned != variant.pinned);
        if shape.variants.len() >= VARIANTS_KEPT {
            shape.variants.remove(0);
        }
        shape.variants.push(variant);
    }
}

/// What `plan` asks of a text's literals; `None` when they are too many to be numbered.
fn variant(text: &[u8], scanned: &[Scanned], plan: &Arc<Plan>) -> Option<Variant> {
    u16::try_from(scanned.len()).ok()?;
    let lifted: Box<[u16]> = numbers(&plan.lifted, scanned)?;
    let pinned = (0u16..).zip(scanned).filter(|(at, _)| !lifted.contains(at));
    let pinned = pinned.map(|(at, literal)| (at, literal.bytes(text).into())).collect();
    Some(Variant { pinned, lifted, plan: plan.clone() })
}

/// The literals that begin at the given places.
fn numbers(starts: &[u32], scanned: &[Scanned]) -> Option<Box<[u16]>> {
    let number = |start: &u32| {
        let at = scanned.binary_search_by_key(start, |literal| literal.start).ok()?;
        u16::try_from(at).ok()
    };
    starts.iter().map(number).collect()
}

impl Session {
    /// The plan of a statement that was planned before, with the values of its literals.
    pub(crate) fn cached_plan(&mut self, text: &[u8]) -> Option<Ready> {
        self.plans.last_scan = None;
        if text.len() > PLAN_TEXT_BYTES || self.plans.is_empty() || self.locked.is_some() {
            return None;
        }
        if self.plan_epoch(&self.state.shared.catalog.snapshot()) != self.plans.epoch {
            self.plans.clear();
            return None;
        }
        let context = self.parse_context(false);
        self.plans.is_three_bytes = self.state.client_collation.charset() == Charset::Utf8mb3;
        let ready = self.plans.find(text, &context);
        let counters = &self.state.shared.counters;
        Counters::add(if ready.is_some() { &counters.plan_cache_hits } else { &counters.plan_cache_misses });
        ready
    }

    /// What a plan made now is made of.
    pub(crate) fn plan_epoch(&self, catalog: &aurora_catalog::CatalogSnapshot) -> PlanEpoch {
        let statistics = self.state.shared.analysed.load(Ordering::Acquire);
        PlanEpoch { definitions: catalog.epoch, statistics }
    }

    /// Plans a statement of `text`, its literals as parameters where the plan can then serve others; `alone` when no
    /// other statement stands in the text.
    pub(crate) fn plan_text(
        &mut self,
        statement: &Statement,
        parsed: &Parsed,
        text: &[u8],
        alone: bool,
        catalog: &aurora_catalog::CatalogSnapshot,
    ) -> SqlResult<Ready> {
        let kept = alone && text.len() <= PLAN_TEXT_BYTES && self.temporary.is_empty();
        if !kept {
            return Ok((Arc::new(self.plan_with(statement, parsed, catalog, &[])?), Vec::new()));
        }
        let context = self.parse_context(false);
        self.plans.is_three_bytes = self.state.client_collation.charset() == Charset::Utf8mb3;
        // Before the plan: tables that are analysed meanwhile make it old.
        let epoch = self.plan_epoch(catalog);
        let hash = self.plans.scan(text, &context);
        let lifts = hash.is_some() && !self.plans.scanned.is_empty();
        // Errors name literals as they stand: they are raised by the plain plan.
        let lifted = if lifts { self.plan_lifted(statement, parsed, catalog).ok() } else { None };
        let values = lifted.as_ref().and_then(|plan| {
            let numbers = numbers(&plan.lifted, &self.plans.scanned)?;
            numbers.iter().map(|at| self.plans.value(usize::from(*at), text, &context)).collect()
        });
        let (plan, values) = match (lifted, values) {
            (Some(plan), Some(values)) => (plan, values),
            _ => (self.plan_with(statement, parsed, catalog, &[])?, Vec::new()),
        };
        let plan = Arc::new(plan);
        if plan.cacheable {
            if self.plans.epoch != epoch {
                self.plans.clear();
            }
            self.plans.epoch = epoch;
            self.plans.keep(text, hash, &plan);
        }
        Ok((plan, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aurora_planner::PlanBody;

    fn plan(lifted: &[u32]) -> Arc<Plan> {
        Arc::new(Plan {
            body: PlanBody::Query(Box::new(aurora_planner::Node {
                id: 1,
                operator: aurora_planner::Operator::Values(Vec::new()),
                types: Vec::new(),
                estimate: aurora_planner::Estimate { rows: 1.0, cost: 0.0 },
            })),
            columns: Vec::new(),
            parameters: Vec::new(),
            lifted: lifted.to_vec(),
            subplans: Vec::new(),
            ctes: Vec::new(),
            slots: Vec::new(),
            into: None,
            calc_found_rows: false,
            access: Vec::new(),
            dependencies: Vec::new(),
            cacheable: true,
            warnings: Vec::new(),
        })
    }

    fn keep(plans: &mut Plans, text: &[u8], lifted: &[u32]) -> Arc<Plan> {
        plans.last_scan = None;
        let hash = plans.scan(text, &ParseContext::default());
        let plan = plan(lifted);
        plans.keep(text, hash, &plan);
        plan
    }

    #[test]
    fn a_text_without_a_plan_is_scanned_once() {
        let mut plans = Plans::default();
        let (text, context) = (b"SELECT 1", ParseContext::default());
        assert!(plans.find(text, &context).is_none());
        let hash = plans.scan(text, &context);
        assert_eq!((plans.scans, plans.scanned.len()), (1, 1));
        assert!(hash.is_some() && hash == fingerprint(text, &context, &mut Vec::new()));
        assert_ne!(plans.scan(b"SELECT a", &context), hash);
        assert_eq!((plans.scans, plans.scanned.len()), (2, 0));
    }

    fn found(plans: &mut Plans, text: &[u8]) -> Option<(Arc<Plan>, Vec<i64>)> {
        plans.last_scan = None;
        let (plan, values) = plans.find(text, &ParseContext::default())?;
        let number = |value: &Value| if let Value::Int(v) = value { *v } else { -1 };
        Some((plan, values.iter().map(number).collect()))
    }

    #[test]
    fn lifted_literals_may_differ_and_pinned_ones_not() {
        let mut plans = Plans::default();
        let one = keep(&mut plans, b"SELECT a FROM t WHERE id=1 LIMIT 10", &[25]);
        let other = keep(&mut plans, b"SELECT a FROM t WHERE id=1 LIMIT 20", &[25]);
        let (plan, values) = found(&mut plans, b"SELECT a FROM t WHERE id=77 LIMIT 10").unwrap();
        assert!(Arc::ptr_eq(&plan, &one) && values == [77]);
        let (plan, values) = found(&mut plans, b"SELECT a FROM t WHERE id=5 LIMIT 20").unwrap();
        assert!(Arc::ptr_eq(&plan, &other) && values == [5]);
        assert!(found(&mut plans, b"SELECT a FROM t WHERE id=1 LIMIT 30").is_none());
        assert!(found(&mut plans, b"SELECT a FROM t WHERE id='1' LIMIT 10").is_none());
        assert!(found(&mut plans, b"SELECT a FROM t WHERE id=99999999999999999999 LIMIT 10").is_none());
        for limit in 100..150 {
            keep(&mut plans, format!("SELECT a FROM t WHERE id=1 LIMIT {limit}").as_bytes(), &[25]);
        }
        assert_eq!(plans.shapes.values().map(|shape| shape.variants.len()).sum::<usize>(), VARIANTS_KEPT);
    }

    #[test]
    fn texts_without_a_fingerprint_are_kept_as_they_are() {
        let mut plans = Plans::default();
        let plan = keep(&mut plans, b"SELECT 1 /* x */", &[]);
        assert!(Arc::ptr_eq(&found(&mut plans, b"SELECT 1 /* x */").unwrap().0, &plan));
        assert!(found(&mut plans, b"SELECT 2 /* x */").is_none());
    }
}
