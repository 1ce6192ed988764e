//! The specification's twelve consistency conditions (its clause 3.3.2): queries that count what breaks them.

use super::data::{Size, delivered};

/// Stands for the orders of a district that were delivered when it was loaded.
const FIRST: &str = "FIRST_DELIVERED";

/// By the specification's numbers.
const CONDITIONS: [(&str, &str); 13] = [
    (
        "1",
        "SELECT COUNT(*) FROM warehouse, (SELECT d_w_id, SUM(d_ytd) AS total FROM district GROUP BY d_w_id) AS d \
         WHERE d_w_id = w_id AND w_ytd <> total",
    ),
    (
        "2",
        "SELECT COUNT(*) FROM district, (SELECT o_w_id, o_d_id, MAX(o_id) AS last FROM orders GROUP BY o_w_id, o_d_id) AS o \
         WHERE o_w_id = d_w_id AND o_d_id = d_id AND d_next_o_id - 1 <> last",
    ),
    (
        "2",
        "SELECT COUNT(*) FROM district, \
         (SELECT no_w_id, no_d_id, MAX(no_o_id) AS last FROM new_order GROUP BY no_w_id, no_d_id) AS o \
         WHERE no_w_id = d_w_id AND no_d_id = d_id AND d_next_o_id - 1 <> last",
    ),
    (
        "3",
        "SELECT COUNT(*) FROM (SELECT no_w_id, no_d_id FROM new_order GROUP BY no_w_id, no_d_id \
         HAVING MAX(no_o_id) - MIN(no_o_id) + 1 <> COUNT(*)) AS broken",
    ),
    (
        "4",
        "SELECT COUNT(*) FROM (SELECT o_w_id, o_d_id, SUM(o_ol_cnt) AS told FROM orders GROUP BY o_w_id, o_d_id) AS o, \
         (SELECT ol_w_id, ol_d_id, COUNT(*) AS found FROM order_line GROUP BY ol_w_id, ol_d_id) AS l \
         WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND told <> found",
    ),
    (
        "5",
        "SELECT COUNT(*) FROM orders LEFT JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id \
         WHERE (o_carrier_id IS NULL AND no_o_id IS NULL) OR (o_carrier_id IS NOT NULL AND no_o_id IS NOT NULL)",
    ),
    (
        "6",
        "SELECT COUNT(*) FROM orders, \
         (SELECT ol_w_id, ol_d_id, ol_o_id, COUNT(*) AS found FROM order_line GROUP BY ol_w_id, ol_d_id, ol_o_id) AS l \
         WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id AND o_ol_cnt <> found",
    ),
    (
        "7",
        "SELECT COUNT(*) FROM orders, order_line WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id \
         AND ((ol_delivery_d IS NULL AND o_carrier_id IS NOT NULL) OR (ol_delivery_d IS NOT NULL AND o_carrier_id IS NULL))",
    ),
    (
        "8",
        "SELECT COUNT(*) FROM warehouse, (SELECT h_w_id, SUM(h_amount) AS total FROM history GROUP BY h_w_id) AS h \
         WHERE h_w_id = w_id AND w_ytd <> total",
    ),
    (
        "9",
        "SELECT COUNT(*) FROM district, \
         (SELECT h_w_id, h_d_id, SUM(h_amount) AS total FROM history GROUP BY h_w_id, h_d_id) AS h \
         WHERE h_w_id = d_w_id AND h_d_id = d_id AND d_ytd <> total",
    ),
    (
        "10",
        "SELECT COUNT(*) FROM customer \
         LEFT JOIN (SELECT h_c_w_id, h_c_d_id, h_c_id, SUM(h_amount) AS paid FROM history GROUP BY h_c_w_id, h_c_d_id, h_c_id) AS h \
         ON h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id \
         LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, SUM(ol_amount) AS owed FROM orders, order_line \
         WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id AND ol_delivery_d IS NOT NULL \
         GROUP BY o_w_id, o_d_id, o_c_id) AS l ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id \
         WHERE c_balance <> COALESCE(owed, 0) - COALESCE(paid, 0)",
    ),
    // The specification's 2,100 are those of the load; every delivery since then adds one on both sides.
    (
        "11",
        "SELECT COUNT(*) FROM \
         (SELECT c_w_id, c_d_id, SUM(c_delivery_cnt) AS delivered FROM customer GROUP BY c_w_id, c_d_id) AS c \
         LEFT JOIN (SELECT o_w_id, o_d_id, COUNT(*) AS made FROM orders GROUP BY o_w_id, o_d_id) AS o \
         ON o_w_id = c_w_id AND o_d_id = c_d_id \
         LEFT JOIN (SELECT no_w_id, no_d_id, COUNT(*) AS waiting FROM new_order GROUP BY no_w_id, no_d_id) AS n \
         ON no_w_id = c_w_id AND no_d_id = c_d_id \
         WHERE COALESCE(made, 0) - COALESCE(waiting, 0) <> delivered + FIRST_DELIVERED",
    ),
    (
        "12",
        "SELECT COUNT(*) FROM customer \
         LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, SUM(ol_amount) AS owed FROM orders, order_line \
         WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id AND ol_delivery_d IS NOT NULL \
         GROUP BY o_w_id, o_d_id, o_c_id) AS l ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id \
         WHERE c_balance + c_ytd_payment <> COALESCE(owed, 0)",
    ),
];

/// Number and query of each, for data of that size.
pub fn all(size: Size) -> Vec<(&'static str, String)> {
    let first = delivered(size).to_string();
    CONDITIONS.iter().map(|(number, sql)| (*number, sql.replace(FIRST, &first))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_is_asked() {
        let all = all(Size { warehouses: 1, items: 10, customers: 3_000 });
        assert!((1..=12).all(|number| all.iter().any(|(name, _)| *name == number.to_string())));
        assert!(all.iter().all(|(_, sql)| !sql.contains(FIRST)));
        assert!(all.iter().any(|(_, sql)| sql.ends_with("delivered + 2100")));
    }
}
