//! One level of a query: the tables of one FROM, and the conditions that hold for their rows.

use std::collections::BTreeSet;

use sqlparser::ast::{
    BinaryOperator, Expr, JoinConstraint, JoinOperator, TableFactor, TableWithJoins, Value, ValueWithSpan,
};

/// A tenant table of a level.
pub(crate) struct Table {
    /// How the statement calls the table.
    pub(crate) alias: String,
    /// The column with the organization's id.
    pub(crate) column: String,
}

/// The tenant tables of a level, and the conditions that must all hold: WHERE and ON, divided at AND.
pub(crate) struct Level {
    tables: Vec<Table>,
    conditions: Vec<Expr>,
}

impl Level {
    /// Reads a FROM and its WHERE. `table` recognizes tenant tables.
    pub(crate) fn new(
        from: &[TableWithJoins],
        selection: Option<&Expr>,
        table: impl Fn(&TableFactor) -> Option<Table>,
    ) -> Self {
        let mut level = Self { tables: Vec::new(), conditions: Vec::new() };
        level.add_conditions(selection);
        for item in from {
            level.tables.extend(table(&item.relation));
            for join in &item.joins {
                level.tables.extend(table(&join.relation));
                level.add_conditions(on(&join.join_operator));
            }
        }
        level
    }

    fn add_conditions(&mut self, expr: Option<&Expr>) {
        match expr {
            Some(Expr::BinaryOp { left, op: BinaryOperator::And, right }) => {
                self.add_conditions(Some(left));
                self.add_conditions(Some(right));
            }
            Some(Expr::Nested(inner)) => self.add_conditions(Some(inner)),
            Some(condition) => self.conditions.push(condition.clone()),
            None => {}
        }
    }

    pub(crate) fn has_tables(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Returns the alias of the table of this level whose organization an expression is.
    pub(crate) fn organization_of(&self, expr: &Expr) -> Option<&str> {
        let is_organization = |table: &&Table| match expr {
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [alias, column] => alias.value == table.alias && column.value == table.column,
                _ => false,
            },
            Expr::Identifier(column) => self.tables.len() == 1 && column.value == table.column,
            _ => false,
        };
        self.tables.iter().find(is_organization).map(|table| table.alias.as_str())
    }

    /// Returns the two sides of each condition that is an equality.
    fn equalities(&self) -> impl Iterator<Item = (&Expr, &Expr)> {
        self.conditions.iter().filter_map(|condition| match condition {
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => Some((left.as_ref(), right.as_ref())),
            _ => None,
        })
    }

    /// Returns the tables whose organization is compared neither with a parameter, nor with that of a table for which
    /// this holds.
    pub(crate) fn not_restricted(&self) -> Vec<&str> {
        let mut restricted = BTreeSet::new();
        loop {
            let before = restricted.len();
            for (left, right) in self.equalities() {
                for (one, other) in [(left, right), (right, left)] {
                    let bound = is_parameter(other)
                        || self.organization_of(other).is_some_and(|alias| restricted.contains(alias));
                    restricted.extend(self.organization_of(one).filter(|_| bound));
                }
            }
            if restricted.len() == before {
                break;
            }
        }
        self.aliases().filter(|alias| !restricted.contains(alias)).collect()
    }

    /// Returns the tables, besides the only one or the first of the level, whose organization is compared with no other
    /// column.
    pub(crate) fn not_compared(&self) -> Vec<&str> {
        let is_column = |expr: &Expr| matches!(expr, Expr::CompoundIdentifier(_));
        let compared = |alias: &&str| {
            self.equalities().any(|(left, right)| {
                [(left, right), (right, left)]
                    .into_iter()
                    .any(|(one, other)| self.organization_of(one) == Some(*alias) && is_column(other))
            })
        };
        self.aliases().skip(1).filter(|alias| !compared(alias)).collect()
    }

    fn aliases(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.alias.as_str())
    }
}

fn on(operator: &JoinOperator) -> Option<&Expr> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(expr))
        | JoinOperator::Inner(JoinConstraint::On(expr))
        | JoinOperator::Left(JoinConstraint::On(expr))
        | JoinOperator::LeftOuter(JoinConstraint::On(expr)) => Some(expr),
        _ => None,
    }
}

/// Whether an expression is a bound value, such as `$1`.
pub(crate) fn is_parameter(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { expr, .. } => is_parameter(expr),
        Expr::Value(ValueWithSpan { value: Value::Placeholder(_), .. }) => true,
        _ => false,
    }
}
