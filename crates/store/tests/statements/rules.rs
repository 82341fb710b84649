//! The rules that let every statement run on a distributed database (docs/adr/0016-distributed-postgres.md). They are
//! rules about the text of a statement:
//!
//! * In each query level, every tenant table is restricted to the bound organization: by a comparison with a parameter,
//!   or by a comparison with the organization of another table of the same level. The table of an outer level does not
//!   count: Citus would send the statement to all shards.
//! * A new row gets the bound organization, or that of the row that it is made from.
//! * No function that is not immutable is in UPDATE ... SET, ON CONFLICT or RETURNING.
//! * No statement uses a tenant table together with a table that stays on the coordinator.
//! * A statement about all organizations compares the organizations of its tables, and has no subquery in FROM and no
//!   WITH.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::ControlFlow,
};

use sqlparser::{
    ast::{
        Assignment, ConflictTarget, Expr, FromTable, Insert, ObjectName, OnConflictAction, OnInsert, Query, Select,
        SelectItem, SetExpr, Statement, TableFactor, TableObject, UpdateTableFromKind, Visit, Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use tokio_postgres::Client;

use crate::level::{Level, Table, is_parameter};

/// Which organizations a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    One,
    All,
}

/// What the rules need to know about the migrated schema.
pub(crate) struct Schema {
    /// The column with the organization's id, by tenant table.
    tenant: HashMap<String, String>,
    /// The tables that stay on the coordinator.
    local: HashSet<String>,
    /// The functions that are not immutable.
    changing: HashSet<String>,
}

impl Schema {
    /// Reads the schema of a migrated database.
    pub(crate) async fn read(client: &Client) -> Self {
        let tables = "SELECT tablename::text, EXISTS (
                SELECT FROM pg_attribute WHERE attrelid = tablename::regclass AND attname = 'organization_id'
            ) FROM pg_tables WHERE schemaname = 'public'";
        let (mut tenant, mut local) = (HashMap::new(), HashSet::new());
        for row in client.query(tables, &[]).await.unwrap() {
            match (row.get::<_, String>(0), row.get(1)) {
                (name, _) if name == "organizations" => drop(tenant.insert(name, "id".to_owned())),
                (name, true) => drop(tenant.insert(name, "organization_id".to_owned())),
                (name, false) => drop(local.insert(name)),
            }
        }
        let changing = "SELECT DISTINCT proname::text FROM pg_proc WHERE provolatile <> 'i'";
        let changing = client.query(changing, &[]).await.unwrap();
        let mut changing: HashSet<String> = changing.iter().map(|row| row.get(0)).collect();
        // Functions that are written without parentheses.
        let clocks = ["current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"];
        changing.extend(clocks.map(String::from));
        Self { tenant, local, changing }
    }

    /// Returns every breach of the rules, as a sentence.
    pub(crate) fn breaches(&self, sql: &str, scope: Scope) -> BTreeSet<String> {
        let parsed = parse(sql);
        let mut check = Check { schema: self, scope, breaches: BTreeSet::new(), tenant: false, local: false };
        let _ = parsed.visit(&mut check);
        if check.tenant && check.local {
            check.report("a tenant table is used together with a local table");
        }
        check.breaches
    }

    fn organization_column(&self, name: &ObjectName) -> Option<&str> {
        self.tenant.get(&table_name(name)).map(String::as_str)
    }
}

struct Check<'a> {
    schema: &'a Schema,
    scope: Scope,
    breaches: BTreeSet<String>,
    tenant: bool,
    local: bool,
}

impl Check<'_> {
    fn report(&mut self, breach: impl Into<String>) {
        self.breaches.insert(breach.into());
    }

    fn table(&self, factor: &TableFactor) -> Option<Table> {
        let TableFactor::Table { name, alias, .. } = factor else { return None };
        let column = self.schema.organization_column(name)?.to_owned();
        let alias = alias.as_ref().map_or_else(|| table_name(name), |alias| alias.name.value.clone());
        Some(Table { alias, column })
    }

    fn check_level(&mut self, level: &Level) {
        let unrestricted = match self.scope {
            Scope::One => level.not_restricted(),
            Scope::All => level.not_compared(),
        };
        for alias in unrestricted {
            self.report(format!("`{alias}` is not restricted to the organization in its own query level"));
        }
    }

    fn check_assignments(&mut self, assignments: &[Assignment]) {
        assignments.iter().for_each(|assignment| self.check_immutable(&assignment.value));
    }

    fn check_immutable(&mut self, expression: &impl Visit) {
        let mut found = Functions { changing: &self.schema.changing, found: Vec::new() };
        let _ = expression.visit(&mut found);
        for name in found.found {
            self.report(format!("`{name}` is not immutable"));
        }
    }

    fn check_returning(&mut self, returning: Option<&Vec<SelectItem>>) {
        if let Some(items) = returning {
            self.check_immutable(items);
        }
    }

    fn check_insert(&mut self, insert: &Insert) {
        let TableObject::TableName(name) = &insert.table else { return };
        let Some(column) = self.schema.organization_column(name).map(str::to_owned) else { return };
        let place = insert.columns.iter().position(|inserted| table_name(inserted) == column);
        match (place, &insert.source) {
            (Some(place), Some(source)) => self.check_source(&source.body, place),
            _ => self.report("the organization of the new row is not given"),
        }
        if let Some(OnInsert::OnConflict(conflict)) = &insert.on {
            match &conflict.conflict_target {
                Some(ConflictTarget::Columns { columns, .. }) if columns.iter().all(|of| of.value != column) => {
                    self.report("ON CONFLICT does not name the organization");
                }
                _ => {}
            }
            if let OnConflictAction::DoUpdate(update) = &conflict.action {
                self.check_assignments(&update.assignments);
            }
        }
        self.check_returning(insert.returning.as_ref());
    }

    /// Checks where the organization of new rows comes from.
    fn check_source(&mut self, source: &SetExpr, place: usize) {
        let given = match source {
            SetExpr::SetOperation { left, right, .. } => {
                self.check_source(left, place);
                return self.check_source(right, place);
            }
            SetExpr::Query(query) => return self.check_source(&query.body, place),
            SetExpr::Values(values) => values.rows.iter().all(|row| row.content.get(place).is_some_and(is_parameter)),
            SetExpr::Select(select) => {
                let (items, level) = (&select.projection, self.level_of(select));
                let is_column =
                    |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
                match items.get(place) {
                    Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => {
                        items[..place].iter().all(is_column)
                            && (is_parameter(expr) || level.organization_of(expr).is_some())
                    }
                    _ => false,
                }
            }
            _ => false,
        };
        if !given {
            self.report("the organization of the new row is not the bound one");
        }
    }

    fn level_of(&self, select: &Select) -> Level {
        Level::new(&select.from, select.selection.as_ref(), |factor| self.table(factor))
    }
}

impl Visitor for Check<'_> {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        self.tenant |= self.schema.tenant.contains_key(&table_name(name));
        self.local |= self.schema.local.contains(&table_name(name));
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.scope == Scope::All && query.with.is_some() {
            self.report("a statement about all organizations has a WITH");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if self.scope == Scope::All && matches!(factor, TableFactor::Derived { .. }) {
            self.report("a statement about all organizations has a subquery in FROM");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let level = self.level_of(select);
        self.check_level(&level);
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Insert(insert) => self.check_insert(insert),
            Statement::Update(update) => {
                let mut from = vec![update.table.clone()];
                if let Some(UpdateTableFromKind::AfterSet(more)) = &update.from {
                    from.extend(more.iter().cloned());
                }
                let level = Level::new(&from, update.selection.as_ref(), |factor| self.table(factor));
                if level.has_tables() {
                    self.check_assignments(&update.assignments);
                    self.check_returning(update.returning.as_ref());
                }
                self.check_level(&level);
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
                let from: Vec<_> = from.iter().chain(delete.using.iter().flatten()).cloned().collect();
                let level = Level::new(&from, delete.selection.as_ref(), |factor| self.table(factor));
                if level.has_tables() {
                    self.check_returning(delete.returning.as_ref());
                }
                self.check_level(&level);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Collects calls of functions that are not immutable.
struct Functions<'a> {
    changing: &'a HashSet<String>,
    found: Vec<String>,
}

impl Visitor for Functions<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            let name = table_name(&function.name).to_lowercase();
            if self.changing.contains(&name) {
                self.found.push(name);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Parses statements. The parser does not know all lock strengths of Postgres.
pub(crate) fn parse(sql: &str) -> Vec<Statement> {
    let known = sql.replace("FOR NO KEY UPDATE", "FOR UPDATE").replace("FOR KEY SHARE", "FOR SHARE");
    Parser::parse_sql(&PostgreSqlDialect {}, &known).unwrap_or_else(|error| panic!("{error}\n{sql}"))
}

/// The last part of a name, without quotes.
fn table_name(name: &ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(|part| part.value.clone()).unwrap_or_default()
}
