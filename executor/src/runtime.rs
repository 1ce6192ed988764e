//! The state of one execution: subqueries, common table expressions, memory.

use crate::host::{Host, Settings};
use crate::key_table::KeyTable;
use crate::memo::Memo;
use crate::ops::{self, Op, Row};
use crate::reads::reads_of;
use aurora_expr::{
    CompareOp, EvalCtx, ExprKind, Quantifier, SessionInfo, Subquery, SubqueryKind, SubqueryRunner,
};
use aurora_planner::{CteBody, Plan};
use aurora_txn::{Txn, TxnManager};
use aurora_types::error::{ER_CTE_MAX_RECURSION_DEPTH, ER_OUTOFMEMORY, ER_SUBQUERY_NO_1_ROW};
use aurora_types::{SqlError, SqlResult, Value, ValueRef};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

/// One execution of one plan. Shared by its operators, one thread.
pub(crate) struct Runtime<'a> {
    pub plan: &'a Plan,
    pub txn: &'a Txn,
    pub manager: &'a TxnManager,
    pub host: &'a dyn Host,
    pub session: &'a dyn SessionInfo,
    pub settings: &'a Settings,
    /// Explicit locking reads lock the ranges that they look at (STORAGE 14).
    pub locks_ranges: bool,
    /// EXPLAIN ANALYZE.
    pub measures: Option<ops::Measures<'a>>,
    subplans: Vec<RefCell<SubState<'a>>>,
    ctes: Vec<RefCell<CteState>>,
    memory: Cell<usize>,
    ticks: Cell<u32>,
    /// A key that is looked for.
    key: RefCell<Vec<u8>>,
}

#[derive(Default)]
struct SubState<'a> {
    op: Option<Box<dyn Op + 'a>>,
    /// Rows of an uncorrelated subquery.
    rows: Option<Rc<SubRows>>,
    /// Whether runs with the same values give the same; found out at the first run.
    is_stable: Option<bool>,
    memo: Memo,
}

/// What one run of a subquery gave.
pub(crate) struct SubRows {
    pub rows: Vec<Row>,
    /// For IN over one column: normalised values, and whether there is a NULL.
    pub set: Option<(KeyTable, bool)>,
}

impl SubRows {
    /// What they cost in memory, about.
    pub fn bytes(&self) -> usize {
        let set = self.set.as_ref().map_or(0, |(set, _)| set.bytes());
        self.rows.iter().map(|row| ops::row_bytes(row)).sum::<usize>() + set
    }
}

#[derive(Default)]
struct CteState {
    rows: Option<Rc<Vec<Row>>>,
    /// Slot values that the rows were made with.
    made_with: Vec<Value>,
    /// Rows of the previous round, while a recursive step runs.
    work: Rc<Vec<Row>>,
}

impl<'a> Runtime<'a> {
    pub fn new(
        plan: &'a Plan,
        txn: &'a Txn,
        manager: &'a TxnManager,
        host: &'a dyn Host,
        session: &'a dyn SessionInfo,
        settings: &'a Settings,
    ) -> Runtime<'a> {
        Runtime {
            plan,
            txn,
            manager,
            host,
            session,
            settings,
            locks_ranges: false,
            measures: None,
            subplans: plan.subplans.iter().map(|_| RefCell::default()).collect(),
            ctes: plan.ctes.iter().map(|_| RefCell::default()).collect(),
            memory: Cell::new(0),
            ticks: Cell::new(0),
            key: RefCell::default(),
        }
    }

    /// Accounts for bytes that an operator holds.
    ///
    /// # Errors
    /// 1037-like: the statement's memory is used up.
    pub fn hold(&self, bytes: usize) -> SqlResult<()> {
        let held = self.memory.get().saturating_add(bytes);
        self.memory.set(held);
        if held > self.settings.memory_bytes {
            return Err(SqlError::new(ER_OUTOFMEMORY, &[&bytes]));
        }
        Ok(())
    }

    /// What one operator may hold before it has to write to a temporary file: less, where the statement holds much
    /// already.
    pub fn budget(&self) -> usize {
        let Some(files) = self.host.temp_files() else { return usize::MAX };
        let left = self.settings.memory_bytes.saturating_sub(self.memory.get());
        files.budget_bytes().min((left / 2).max(crate::TempFiles::DEFAULT_BUDGET_BYTES))
    }

    pub fn release(&self, bytes: usize) {
        self.memory.set(self.memory.get().saturating_sub(bytes));
    }

    /// Called once per row of a scan: looks for KILL now and then.
    #[inline]
    pub fn tick(&self) -> SqlResult<()> {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        if ticks.is_multiple_of(1024) { self.session.check_killed() } else { Ok(()) }
    }

    /// The rows of a common table expression, computed at first use.
    pub fn cte_rows(&self, number: usize, ctx: &mut EvalCtx<'_>) -> SqlResult<Rc<Vec<Row>>> {
        let plan: &'a Plan = self.plan;
        let cte = &plan.ctes[number];
        let slots: Vec<Value> =
            cte.slots.iter().map(|s| ctx.slots.get(*s).cloned().unwrap_or(Value::Null)).collect();
        {
            let state = self.ctes[number].borrow();
            if let Some(rows) = &state.rows
                && (slots.is_empty() || same_values(&state.made_with, &slots))
            {
                return Ok(rows.clone());
            }
        }
        let rows = match &cte.body {
            CteBody::Plain(node) => ops::collect(node, self, ctx)?,
            CteBody::Recursive { seed, step, distinct, limit } => {
                let (mut wanted, mut skip) = (usize::MAX, 0);
                if let Some((count, offset)) = limit {
                    wanted = ops::count_of(count, ctx)? as usize;
                    skip = match offset {
                        Some(offset) => ops::count_of(offset, ctx)? as usize,
                        None => 0,
                    };
                }
                let enough = wanted.saturating_add(skip);
                let mut seen = HashSet::new();
                let mut keep = |rows: Vec<Row>| -> Vec<Row> {
                    if !*distinct {
                        return rows;
                    }
                    rows.into_iter()
                        .filter(|row| {
                            let mut key = Vec::new();
                            for (value, ty) in row.iter().zip(&cte.types) {
                                crate::normal::put_equal(value.as_ref(), ty, &mut key);
                            }
                            seen.insert(key)
                        })
                        .collect()
                };
                let mut all = keep(ops::collect(seed, self, ctx)?);
                let mut work = Rc::new(all.clone());
                let mut rounds = 0u64;
                while !work.is_empty() && all.len() < enough {
                    rounds += 1;
                    if rounds > self.settings.cte_max_recursion_depth {
                        return Err(SqlError::new(ER_CTE_MAX_RECURSION_DEPTH, &[&rounds]));
                    }
                    self.ctes[number].borrow_mut().work = work;
                    let next = keep(ops::collect(step, self, ctx)?);
                    all.extend(next.iter().cloned());
                    work = Rc::new(next);
                }
                if skip > 0 {
                    all.drain(..skip.min(all.len()));
                }
                all.truncate(wanted);
                all
            }
        };
        let rows = Rc::new(rows);
        let mut state = self.ctes[number].borrow_mut();
        state.rows = Some(rows.clone());
        state.made_with = slots;
        Ok(rows)
    }

    pub fn work_rows(&self, number: usize) -> Rc<Vec<Row>> {
        self.ctes[number].borrow().work.clone()
    }

    fn sub_rows(&self, call: &Subquery, wanted: usize, ctx: &mut EvalCtx<'_>) -> SqlResult<Vec<Row>> {
        let plan: &'a Plan = self.plan;
        let number = call.plan;
        let node = &plan.subplans[number].root;
        let taken = self.subplans[number].borrow_mut().op.take();
        let mut op = match taken {
            Some(op) => op,
            None if matches!(call.kind, SubqueryKind::Exists { .. }) => ops::build_unread(node, self)?,
            None => ops::build(node, self)?,
        };
        op.open(self, ctx)?;
        let mut rows = Vec::new();
        let mut row = Row::new();
        while rows.len() < wanted && op.next(self, ctx, &mut row)? {
            rows.push(std::mem::take(&mut row));
        }
        self.subplans[number].borrow_mut().op = Some(op);
        Ok(rows)
    }

    /// Rows of an earlier run that hold for this one.
    fn known_rows(&self, call: &Subquery, args: &[Value]) -> Option<Rc<SubRows>> {
        let plan: &'a Plan = self.plan;
        let sub = &plan.subplans[call.plan];
        let mut state = self.subplans[call.plan].borrow_mut();
        if state.rows.is_some() {
            return state.rows.clone();
        }
        let is_stable = *state.is_stable.get_or_insert_with(|| {
            let reads = reads_of(&sub.root, plan);
            // What it reads and the call does not hand over would be missing in the memo's key.
            reads.is_stable && reads.slots.iter().all(|slot| sub.slots.contains(slot))
        });
        if is_stable && !sub.slots.is_empty() { state.memo.get(args) } else { None }
    }

    fn keep_rows(&self, call: &Subquery, args: &[Value], rows: Vec<Row>) -> Rc<SubRows> {
        let sub = &self.plan.subplans[call.plan];
        let mut state = self.subplans[call.plan].borrow_mut();
        if state.is_stable != Some(true) {
            return Rc::new(SubRows { rows, set: None });
        }
        let is_correlated = !sub.slots.is_empty();
        // A few rows are compared sooner than hashed.
        let set = if is_correlated && rows.len() < 16 { None } else { in_set(call, &rows, &sub.root.types) };
        let rows = Rc::new(SubRows { rows, set });
        if is_correlated {
            state.memo.put(args, &rows);
        } else {
            state.rows = Some(rows.clone());
        }
        rows
    }
}

pub(crate) fn same_values(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
}

/// Byte-for-byte the same: not SQL's equality.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::UInt(a), Value::UInt(b)) => a == b,
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::Text(a), Value::Text(b)) | (Value::Json(a), Value::Json(b)) => a.as_bytes() == b.as_bytes(),
        (Value::Date(a), Value::Date(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::DateTime(a), Value::DateTime(b)) => a == b,
        (Value::Decimal(a), Value::Decimal(b)) => a.scale() == b.scale() && a == b,
        _ => false,
    }
}

impl SubqueryRunner for Runtime<'_> {
    fn known_in(&self, call: &Subquery, operand: ValueRef<'_>) -> Option<Option<bool>> {
        let SubqueryKind::In { negated } = call.kind else { return None };
        let state = self.subplans.get(call.plan)?.try_borrow().ok()?;
        let rows = state.rows.as_ref()?;
        if rows.rows.is_empty() {
            return Some(Some(negated));
        }
        let found = self.in_hashed(rows.set.as_ref()?, operand, call);
        Some(found.map(|found| found != negated))
    }

    fn run(
        &self,
        ctx: &mut EvalCtx<'_>,
        call: &Subquery,
        operands: &[Value],
        args: &[Value],
    ) -> SqlResult<Value> {
        let sub = &self.plan.subplans[call.plan];
        // How many rows decide: EXISTS needs one, a scalar two (to complain).
        let wanted = match call.kind {
            SubqueryKind::Exists { .. } => 1,
            SubqueryKind::Scalar | SubqueryKind::RowCompare { .. } => 2,
            _ => usize::MAX,
        };
        let rows = match self.known_rows(call, args) {
            Some(rows) => rows,
            None => {
                let mut saved = Vec::with_capacity(sub.slots.len());
                for (slot, arg) in sub.slots.iter().zip(args) {
                    if ctx.slots.len() <= *slot {
                        ctx.slots.resize(*slot + 1, Value::Null);
                    }
                    saved.push(std::mem::replace(&mut ctx.slots[*slot], arg.clone()));
                }
                let rows = self.sub_rows(call, wanted, ctx);
                for (slot, value) in sub.slots.iter().zip(saved) {
                    ctx.slots[*slot] = value;
                }
                self.keep_rows(call, args, rows?)
            }
        };
        let types = &sub.root.types;
        match call.kind {
            SubqueryKind::Exists { negated } => Ok(truth(Some(rows.rows.is_empty() == negated))),
            SubqueryKind::Scalar => match rows.rows.as_slice() {
                [] => Ok(Value::Null),
                [row] => Ok(row.first().cloned().unwrap_or(Value::Null)),
                _ => Err(SqlError::new(ER_SUBQUERY_NO_1_ROW, &[])),
            },
            SubqueryKind::RowCompare { op } => match rows.rows.as_slice() {
                [] => Ok(Value::Null),
                [row] => Ok(truth(aurora_expr::compare_with_row(call, op, operands, row, types, ctx)?)),
                _ => Err(SqlError::new(ER_SUBQUERY_NO_1_ROW, &[])),
            },
            SubqueryKind::In { negated } => {
                if rows.rows.is_empty() {
                    return Ok(truth(Some(negated)));
                }
                if let (Some(set), [operand]) = (&rows.set, operands) {
                    return Ok(truth(
                        self.in_hashed(set, operand.as_ref(), call).map(|found| found != negated),
                    ));
                }
                let mut found = Some(false);
                for row in &rows.rows {
                    match aurora_expr::compare_with_row(call, CompareOp::Eq, operands, row, types, ctx)? {
                        Some(true) => {
                            found = Some(true);
                            break;
                        }
                        None => found = None,
                        Some(false) => {}
                    }
                }
                Ok(truth(found.map(|found| found != negated)))
            }
            SubqueryKind::Quantified { op, quantifier } => {
                let decisive = quantifier == Quantifier::Any;
                let mut result = Some(!decisive);
                for row in &rows.rows {
                    match aurora_expr::compare_with_row(call, op, operands, row, types, ctx)? {
                        Some(holds) if holds == decisive => {
                            result = Some(decisive);
                            break;
                        }
                        None => result = None,
                        Some(_) => {}
                    }
                }
                Ok(truth(result))
            }
        }
    }
}

impl Runtime<'_> {
    /// Whether the operand of IN is among normalised values, of which one may be NULL.
    fn in_hashed(
        &self,
        (set, has_null): &(KeyTable, bool),
        operand: ValueRef<'_>,
        call: &Subquery,
    ) -> Option<bool> {
        if operand.is_null() {
            return None;
        }
        let mut key = self.key.borrow_mut();
        key.clear();
        crate::normal::put_equal(operand, &call.operands.first()?.ty, &mut key);
        if set.find(&key).is_some() {
            Some(true)
        } else if *has_null {
            None
        } else {
            Some(false)
        }
    }
}

/// A hash set where equality of normalised keys is equality of the comparison: same kind of integers, or text of the
/// comparison's collation on both sides.
fn in_set(call: &Subquery, rows: &[Row], types: &[aurora_types::SqlType]) -> Option<(KeyTable, bool)> {
    use aurora_expr::typing::Comparison;
    let ([how], [ty], [operand]) = (call.how.as_slice(), types, call.operands.as_slice()) else {
        return None;
    };
    let fits = match how {
        Comparison::Int => {
            let plain = |ty: &aurora_types::SqlType| {
                aurora_expr::typing::domain(ty) == aurora_expr::typing::Domain::Int
                    && ty.base != aurora_types::BaseType::Bit
            };
            plain(ty) && plain(&operand.ty)
        }
        Comparison::Text(collation) => {
            let plain = |ty: &aurora_types::SqlType| {
                ty.collation == *collation
                    && !matches!(ty.base, aurora_types::BaseType::Enum(_) | aurora_types::BaseType::Set(_))
                    && aurora_expr::typing::is_string(ty)
            };
            plain(ty) && plain(&operand.ty)
        }
        _ => false,
    };
    if !fits || !matches!(call.kind, SubqueryKind::In { .. }) || matches!(operand.kind, ExprKind::Row(_)) {
        return None;
    }
    let mut set = KeyTable::default();
    let mut key = Vec::new();
    let mut has_null = false;
    for row in rows {
        let value = row.first()?;
        if value.is_null() {
            has_null = true;
            continue;
        }
        key.clear();
        crate::normal::put_equal(value.as_ref(), ty, &mut key);
        set.insert(&key);
    }
    Some((set, has_null))
}

pub(crate) fn truth(value: Option<bool>) -> Value {
    match value {
        Some(value) => Value::Int(i64::from(value)),
        None => Value::Null,
    }
}
