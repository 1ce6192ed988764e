//! A terminal: the five transactions on one connection, by prepared statements.

use super::data::{DISTRICTS, Size};
use crate::bench::client::{Client, ClientError, Prepared, Row, Value};
use crate::bench::random::Random;

/// The five, in the order of their classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NewOrder,
    Payment,
    OrderStatus,
    Delivery,
    StockLevel,
}

/// Of one deck: the specification's mix.
const DECK: [(Kind, usize); 5] = [
    (Kind::NewOrder, 10),
    (Kind::Payment, 10),
    (Kind::OrderStatus, 1),
    (Kind::Delivery, 1),
    (Kind::StockLevel, 1),
];

fn shuffled(random: &mut Random) -> Vec<Kind> {
    let mut deck: Vec<Kind> =
        DECK.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count)).collect();
    for at in (1..deck.len()).rev() {
        deck.swap(at, (random.next() % (at as u64 + 1)) as usize);
    }
    deck
}

/// The shares of the five among the transactions done, for people. The decks make them right over a long time; a short round
/// may cut its last decks anywhere.
pub fn mix(done: &[u64]) -> String {
    let total = done.iter().sum::<u64>().max(1) as f64;
    let shares: Vec<String> =
        done.iter().map(|done| format!("{:.1}", *done as f64 * 100.0 / total)).collect();
    format!("mix {} %", shares.join("/"))
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Committed(Kind),
    /// One new order in a hundred asks for an item that is not there.
    RolledBack,
}

/// What is prepared, by its place here.
const STATEMENTS: [&str; 28] = [
    "SELECT c_discount, c_last, c_credit, w_tax FROM customer, warehouse WHERE w_id = ? AND c_w_id = w_id AND c_d_id = ? AND c_id = ?",
    "SELECT d_next_o_id, d_tax FROM district WHERE d_w_id = ? AND d_id = ? FOR UPDATE",
    "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = ? AND d_id = ?",
    "INSERT INTO orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) VALUES (?, ?, ?, ?, CURRENT_TIMESTAMP, ?, ?)",
    "INSERT INTO new_order (no_o_id, no_d_id, no_w_id) VALUES (?, ?, ?)",
    "SELECT i_price, i_name, i_data FROM item WHERE i_id = ?",
    "UPDATE stock SET s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + ? WHERE s_w_id = ? AND s_i_id = ?",
    "INSERT INTO order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_dist_info) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE warehouse SET w_ytd = w_ytd + ? WHERE w_id = ?",
    "SELECT w_name, w_street_1, w_street_2, w_city, w_state, w_zip FROM warehouse WHERE w_id = ?",
    "UPDATE district SET d_ytd = d_ytd + ? WHERE d_w_id = ? AND d_id = ?",
    "SELECT d_name, d_street_1, d_street_2, d_city, d_state, d_zip FROM district WHERE d_w_id = ? AND d_id = ?",
    "SELECT c_id FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_last = ? ORDER BY c_first",
    "SELECT c_credit, c_first, c_middle, c_last, c_street_1, c_city, c_state, c_zip, c_phone, c_since, c_credit_lim, c_discount, c_balance FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ? FOR UPDATE",
    "SELECT c_data FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    "UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    "UPDATE customer SET c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, c_payment_cnt = c_payment_cnt + 1, c_data = ? WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    "INSERT INTO history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data) VALUES (?, ?, ?, ?, ?, CURRENT_TIMESTAMP, ?, ?)",
    "SELECT c_balance, c_first, c_middle, c_last FROM customer WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    "SELECT o_id, o_entry_d, o_carrier_id FROM orders WHERE o_w_id = ? AND o_d_id = ? AND o_c_id = ? ORDER BY o_id DESC LIMIT 1",
    "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
    "SELECT no_o_id FROM new_order WHERE no_w_id = ? AND no_d_id = ? ORDER BY no_o_id LIMIT 1 FOR UPDATE",
    "DELETE FROM new_order WHERE no_w_id = ? AND no_d_id = ? AND no_o_id = ?",
    "UPDATE orders SET o_carrier_id = ? WHERE o_w_id = ? AND o_d_id = ? AND o_id = ?",
    "UPDATE order_line SET ol_delivery_d = CURRENT_TIMESTAMP WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id = ?",
    "SELECT o_c_id, SUM(ol_amount) FROM orders, order_line WHERE o_w_id = ? AND o_d_id = ? AND o_id = ? AND ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id GROUP BY o_c_id",
    "UPDATE customer SET c_balance = c_balance + ?, c_delivery_cnt = c_delivery_cnt + 1 WHERE c_w_id = ? AND c_d_id = ? AND c_id = ?",
    "SELECT COUNT(DISTINCT s_i_id) FROM order_line, stock WHERE ol_w_id = ? AND ol_d_id = ? AND ol_o_id < ? AND ol_o_id >= ? AND s_w_id = ol_w_id AND s_i_id = ol_i_id AND s_quantity < ?",
];
const D_NEXT: &str = "SELECT d_next_o_id FROM district WHERE d_w_id = ? AND d_id = ?";

/// One terminal, at home in one warehouse.
pub struct Terminal {
    client: Client,
    statements: Vec<Prepared>,
    next_order: Prepared,
    /// By district: each prints a column of its own.
    stock: Vec<Prepared>,
    size: Size,
    home: i64,
    deck: Vec<Kind>,
}

fn cell(rows: &[Row], at: usize) -> Result<&str, ClientError> {
    let cell = rows.first().and_then(|row| row.get(at)).and_then(Option::as_deref);
    cell.ok_or_else(|| ClientError::new("WRONG: a row or value that must be there is not"))
}

fn number<T: std::str::FromStr>(rows: &[Row], at: usize) -> Result<T, ClientError> {
    let text = cell(rows, at)?;
    text.trim().parse().map_err(|_| ClientError::new(format!("WRONG: `{text}` is not a number")))
}

fn money(cents: i64) -> Value {
    Value::Text(format!("{}.{:02}", cents / 100, cents % 100))
}

impl Terminal {
    pub fn open(mut client: Client, number: usize, size: Size) -> Result<Terminal, String> {
        let statements =
            STATEMENTS.iter().map(|sql| client.prepare(sql)).collect::<Result<Vec<_>, ClientError>>()?;
        let next_order = client.prepare(D_NEXT)?;
        let stock = (1..=DISTRICTS)
            .map(|d| {
                client.prepare(&format!(
                    "SELECT s_quantity, s_data, s_dist_{d:02} FROM stock WHERE s_w_id = ? AND s_i_id = ? FOR UPDATE"
                ))
            })
            .collect::<Result<Vec<_>, ClientError>>()?;
        let home = number as i64 % size.warehouses + 1;
        Ok(Terminal { client, statements, next_order, stock, size, home, deck: Vec::new() })
    }

    fn run(&mut self, at: usize, values: &[Value]) -> Result<u64, ClientError> {
        let statement = self.statements.get(at).ok_or_else(|| ClientError::new("not prepared"))?;
        self.client.execute(statement, values)
    }

    fn read(&mut self, at: usize, values: &[Value]) -> Result<Vec<Row>, ClientError> {
        let statement = self.statements.get(at).ok_or_else(|| ClientError::new("not prepared"))?;
        self.client.select(statement, values)
    }

    /// The next transaction of a shuffled deck. After an error that says so, the same kind is tried again.
    pub fn step(&mut self, random: &mut Random) -> Result<End, ClientError> {
        if self.deck.is_empty() {
            self.deck = shuffled(random);
        }
        let kind = self.deck.last().copied().unwrap_or(Kind::NewOrder);
        self.client.exec("BEGIN")?;
        let done = match kind {
            Kind::NewOrder => self.new_order(random),
            Kind::Payment => self.payment(random).map(|()| true),
            Kind::OrderStatus => self.order_status(random).map(|()| true),
            Kind::Delivery => self.delivery(random).map(|()| true),
            Kind::StockLevel => self.stock_level(random).map(|()| true),
        };
        let ended = done.and_then(|commit| {
            self.client.exec(if commit { "COMMIT" } else { "ROLLBACK" })?;
            Ok(if commit { End::Committed(kind) } else { End::RolledBack })
        });
        match &ended {
            Ok(_) => {
                self.deck.pop();
            }
            Err(error) if error.retry => {
                self.client.exec("ROLLBACK")?;
            }
            Err(_) => {}
        }
        ended
    }

    /// Another warehouse than the terminal's own, if there is one.
    fn remote(&self, random: &mut Random) -> i64 {
        let other = random.between(1, (self.size.warehouses - 1).max(1));
        if other >= self.home && self.size.warehouses > 1 { other + 1 } else { other }
    }

    /// Whether to commit.
    fn new_order(&mut self, random: &mut Random) -> Result<bool, ClientError> {
        let (w, d, c) = (self.home, random.between(1, DISTRICTS), self.size.customer(random));
        let count = random.between(5, 15);
        let unknown = random.id(100) == 1;
        let mut lines: Vec<(i64, i64, i64)> = (0..count)
            .map(|_| {
                let supply = if random.id(100) == 1 { self.remote(random) } else { w };
                (supply, self.size.item(random), random.between(1, 10))
            })
            .collect();
        // Rows are locked in one order by all terminals; the item that is not there comes last.
        lines.sort_unstable();
        if let Some(last) = lines.last_mut().filter(|_| unknown) {
            last.1 = self.size.items + 1;
        }
        let all_local = i64::from(lines.iter().all(|(supply, ..)| *supply == w));
        self.read(0, &[w.into(), d.into(), c.into()])?;
        let o: i64 = number(&self.read(1, &[w.into(), d.into()])?, 0)?;
        self.run(2, &[w.into(), d.into()])?;
        self.run(3, &[o.into(), d.into(), w.into(), c.into(), count.into(), all_local.into()])?;
        self.run(4, &[o.into(), d.into(), w.into()])?;
        for (line, (supply, item, quantity)) in (1i64..).zip(lines) {
            let found = self.read(5, &[item.into()])?;
            if found.is_empty() && unknown {
                return Ok(false);
            }
            let price: f64 = number(&found, 0)?;
            let at = usize::try_from(d - 1).unwrap_or(0);
            let statement = self.stock.get(at).ok_or_else(|| ClientError::new("not prepared"))?;
            let stock = self.client.select(statement, &[supply.into(), item.into()])?;
            let (held, info) = (number::<i64>(&stock, 0)?, cell(&stock, 2)?.to_string());
            let left = if held >= quantity + 10 { held - quantity } else { held - quantity + 91 };
            let remote = i64::from(supply != w);
            self.run(6, &[left.into(), quantity.into(), remote.into(), supply.into(), item.into()])?;
            let amount = money((price * 100.0).round() as i64 * quantity);
            self.run(
                7,
                &[
                    o.into(),
                    d.into(),
                    w.into(),
                    line.into(),
                    item.into(),
                    supply.into(),
                    quantity.into(),
                    amount,
                    info.into(),
                ],
            )?;
        }
        Ok(true)
    }

    /// A customer by number, or by last name: the middle one of that name.
    fn customer(&mut self, random: &mut Random, w: i64, d: i64) -> Result<i64, ClientError> {
        if random.id(100) > 60 {
            return Ok(self.size.customer(random));
        }
        let name = self.size.name(random);
        let found = self.read(12, &[w.into(), d.into(), name.as_str().into()])?;
        let middle = found.len().saturating_sub(1) / 2;
        number(found.get(middle..).unwrap_or_default(), 0)
    }

    fn payment(&mut self, random: &mut Random) -> Result<(), ClientError> {
        let (w, d) = (self.home, random.between(1, DISTRICTS));
        let away = self.size.warehouses > 1 && random.id(100) > 85;
        let (cw, cd) = if away { (self.remote(random), random.between(1, DISTRICTS)) } else { (w, d) };
        let amount = money(random.between(100, 500_000));
        self.run(8, &[amount.clone(), w.into()])?;
        let warehouse = self.read(9, &[w.into()])?;
        self.run(10, &[amount.clone(), w.into(), d.into()])?;
        let district = self.read(11, &[w.into(), d.into()])?;
        let c = self.customer(random, cw, cd)?;
        let key = [Value::from(cw), cd.into(), c.into()];
        let customer = self.read(13, &key)?;
        let mut values = vec![amount.clone(), amount.clone()];
        let bad_credit = cell(&customer, 0)? == "BC";
        if bad_credit {
            let data = self.read(14, &key)?;
            let text = format!("{c} {cd} {cw} {d} {w} {} | {}", shown(&amount), cell(&data, 0)?);

            values.push(text.chars().take(500).collect::<String>().into());
        }
        values.extend(key);
        self.run(if bad_credit { 16 } else { 15 }, &values)?;
        let note = format!("{}    {}", cell(&warehouse, 0)?, cell(&district, 0)?);
        self.run(17, &[c.into(), cd.into(), cw.into(), d.into(), w.into(), amount, note.into()])?;
        Ok(())
    }

    fn order_status(&mut self, random: &mut Random) -> Result<(), ClientError> {
        let (w, d) = (self.home, random.between(1, DISTRICTS));
        let c = self.customer(random, w, d)?;
        self.read(18, &[w.into(), d.into(), c.into()])?;
        let order = self.read(19, &[w.into(), d.into(), c.into()])?;
        let o: i64 = number(&order, 0)?;
        if self.read(20, &[w.into(), d.into(), o.into()])?.is_empty() {
            return Err(ClientError::new("WRONG: an order has no lines"));
        }
        Ok(())
    }

    fn delivery(&mut self, random: &mut Random) -> Result<(), ClientError> {
        let (w, carrier) = (self.home, random.between(1, 10));
        for d in 1..=DISTRICTS {
            let oldest = self.read(21, &[w.into(), d.into()])?;
            if oldest.is_empty() {
                continue;
            }
            let o: i64 = number(&oldest, 0)?;
            let order = [Value::from(w), d.into(), o.into()];
            if self.run(22, &order)? == 0 {
                continue;
            }
            self.run(23, &[carrier.into(), w.into(), d.into(), o.into()])?;
            self.run(24, &order)?;
            let sum = self.read(25, &order)?;
            let (c, total) = (number::<i64>(&sum, 0)?, cell(&sum, 1)?.to_string());
            self.run(26, &[total.into(), w.into(), d.into(), c.into()])?;
        }
        Ok(())
    }

    fn stock_level(&mut self, random: &mut Random) -> Result<(), ClientError> {
        let (w, d) = (self.home, random.between(1, DISTRICTS));
        let next: i64 = number(&self.client.select(&self.next_order, &[w.into(), d.into()])?, 0)?;
        let values =
            [w.into(), d.into(), next.into(), (next - 20).into(), Value::from(random.between(10, 20))];
        self.read(27, &values)?;
        Ok(())
    }
}

fn shown(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_money() {
        assert_eq!(money(1203), Value::Text("12.03".into()));
        let rows = vec![vec![Some("7".to_string()), None]];
        assert_eq!(number::<i64>(&rows, 0), Ok(7));
        assert!(cell(&rows, 1).is_err() && cell(&[], 0).is_err());
    }

    #[test]
    fn decks_hold_the_mix_in_any_order() {
        let random = &mut Random(7);
        let decks = [shuffled(random), shuffled(random)];
        assert_ne!(decks[0], decks[1]);
        let mut done = [0; 5];
        decks.iter().flatten().for_each(|kind| done[*kind as usize] += 1);
        // At most 45 % new orders, at least 43 % payments and 4 % of each other.
        assert_eq!((done, mix(&done).as_str()), ([20, 20, 2, 2, 2], "mix 43.5/43.5/4.3/4.3/4.3 %"));
    }
}
