//! Row-level security holds where a statement forgets its filter, and where it binds another organization than the one
//! that the transaction has set. Everything here connects as the role of the service.

use std::ops::ControlFlow;

use rollcall_testkit::TestDatabase;
use sqlparser::ast::{BinaryOperator, Expr, Value, ValueWithSpan, visit_expressions_mut};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{
    parameters::PARAMETERS,
    rules::{Scope, parse},
    scope_of, statements_of_files,
};

/// The numbers of `large.sql`, and those of this test.
const SMALLER: [(&str, &str); 7] = [
    ("200000", "200"),
    ("20000", "200"),
    ("19999", "199"),
    ("10009", "109"),
    ("(1, 1000)", "(1, 10)"),
    ("(1, 2000)", "(1, 20)"),
    ("(2, 2000)", "(2, 20)"),
];

/// Copies all rows of `acme` to `beta`, which has the same ids and other settings.
const COPY: &str = r#"
SET session_replication_role = replica;
INSERT INTO organizations SELECT (jsonb_populate_record(o, jsonb_build_object('id', 'beta', 'uid', gen_random_uuid()))).*
FROM organizations AS o WHERE o.id = 'acme';
DO $$ DECLARE tenant regclass; BEGIN
    FOR tenant IN SELECT attrelid::regclass FROM pg_attribute AS a INNER JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE a.attname = 'organization_id' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('INSERT INTO %s SELECT (jsonb_populate_record(t, ''{"organization_id": "beta"}'')).* FROM %s AS t
            WHERE t.organization_id = ''acme''', tenant, tenant);
    END LOOP;
END $$;
UPDATE members SET given_name = 'of beta', email_export = CASE email_export WHEN 'EXPORT' THEN 'DO_NOT_EXPORT' ELSE 'EXPORT' END
WHERE organization_id = 'beta';
SET session_replication_role = origin;
ANALYZE"#;

/// What a statement answered: its rows in a fixed order and the number of rows that it wrote, or its error.
type Outcome = Result<Vec<String>, String>;

/// Two organizations with the same ids, and connections to their database.
struct Tenants {
    service: Client,
    superuser: Client,
    /// The sum of the rows of other organizations that a transaction has changed or locked.
    touched: String,
    _database: TestDatabase,
}

impl Tenants {
    async fn create() -> Self {
        let database = TestDatabase::undistributed().await;
        let (service, superuser) = (database.service_client().await, database.client().await);
        let small = SMALLER.iter().fold(include_str!("large.sql").to_owned(), |sql, (large, small)| {
            assert!(sql.contains(large), "large.sql has no {large}");
            sql.replace(large, small)
        });
        superuser.batch_execute(&small).await.unwrap();
        superuser.batch_execute(COPY).await.unwrap();
        let tables =
            "SELECT string_agg(format('(SELECT count(*) FROM %I WHERE %I <> ''acme'' AND xmax = $xid)', c.relname,
                a.attname), ' + ')
            FROM pg_class AS c INNER JOIN pg_attribute AS a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END";
        let sum: String = superuser.query_one(tables, &[]).await.unwrap().get(0);
        Self { service, superuser, touched: format!("SELECT {sum}"), _database: database }
    }

    /// Runs a statement of the service with a setting, and rolls it back. Also returns how many rows of organizations
    /// other than `acme` it has changed: their old versions show its transaction while it is open.
    async fn run(&self, set: Option<&str>, sql: &str) -> (Outcome, i64) {
        let set = set.map(|id| format!("SET LOCAL rollcall.organization = '{id}'; ")).unwrap_or_default();
        let begin = format!("BEGIN; {set}SELECT pg_current_xact_id()::xid");
        let began = self.service.simple_query(&begin).await.unwrap();
        let xid = began.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let touched = self.touched.replace("$xid", &format!("'{}'::xid", xid.unwrap()));
        let outcome = outcome(&self.service, sql).await;
        let touched = self.superuser.query_one(&touched, &[]).await.unwrap().get(0);
        self.service.batch_execute("ROLLBACK").await.unwrap();
        (outcome, touched)
    }

    /// Runs a statement as a superuser, whom row-level security does not bind, and rolls it back.
    async fn run_unbound(&self, sql: &str) -> Outcome {
        self.superuser.batch_execute("BEGIN").await.unwrap();
        let outcome = outcome(&self.superuser, sql).await;
        self.superuser.batch_execute("ROLLBACK").await.unwrap();
        outcome
    }
}

async fn outcome(client: &Client, sql: &str) -> Outcome {
    let answer = client.simple_query(sql).await;
    let answer =
        answer.map_err(|error| error.as_db_error().map_or_else(String::new, |error| error.message().to_owned()));
    let mut lines: Vec<String> = answer?.iter().filter_map(line).collect();
    lines.sort();
    Ok(lines)
}

/// Returns a row as text, without the time at which it was read, or the number of written rows.
fn line(message: &SimpleQueryMessage) -> Option<String> {
    match message {
        SimpleQueryMessage::Row(row) => {
            let columns = row.columns().iter().enumerate().filter(|(_, column)| column.name() != "locked_at");
            Some(columns.map(|(place, _)| row.get(place).unwrap_or("null")).collect::<Vec<_>>().join("|"))
        }
        SimpleQueryMessage::CommandComplete(rows) => Some(format!("{rows} rows")),
        _ => None,
    }
}

/// Returns the statement without its comparisons of organizations, and how many there were. `$1` stays in use.
fn without_filters(sql: &str) -> (String, usize) {
    let mut statements = parse(sql);
    let mut removed = 0;
    let is_organization = |expr: &Expr| match expr {
        Expr::Identifier(name) => name.value == "organization_id",
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|part| part.value == "organization_id"),
        Expr::Value(ValueWithSpan { value: Value::Placeholder(name), .. }) => name == "$1",
        _ => false,
    };
    let _ = visit_expressions_mut(&mut statements, |expr| {
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr
            && (is_organization(left) || is_organization(right))
        {
            let always = parse("SELECT 1 WHERE ($1::text IS NOT NULL)");
            let mut always = always.into_iter();
            *expr = selection(always.next().unwrap());
            removed += 1;
        }
        ControlFlow::<()>::Continue(())
    });
    (statements.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), removed)
}

/// Returns the condition of a SELECT.
fn selection(statement: sqlparser::ast::Statement) -> Expr {
    match statement {
        sqlparser::ast::Statement::Query(query) => match *query.body {
            sqlparser::ast::SetExpr::Select(select) => select.selection.unwrap(),
            other => panic!("{other} is no SELECT"),
        },
        other => panic!("{other} is no query"),
    }
}

/// Replaces the parameters of a statement with values. `organization` is `$1`.
fn bind(sql: &str, organization: &str, values: &[&str]) -> String {
    let numbered = values.iter().enumerate().skip(1).rev();
    let sql = numbered.fold(sql.to_owned(), |sql, (index, value)| sql.replace(&format!("${}", index + 1), value));
    sql.replace("$1", &format!("'{organization}'"))
}

/// Returns the statements of one organization: the name, the text and the values.
fn statements() -> Vec<(String, String, &'static [&'static str])> {
    let files = statements_of_files();
    let values = |name: &str| {
        let (_, values) = PARAMETERS.iter().find(|(known, _)| format!("{known}.sql") == name).unwrap();
        *values
    };
    let of_one = files.into_iter().filter(|(name, sql)| {
        scope_of(name, sql) == Scope::One && !name.starts_with("job_") && !values(name).is_empty()
    });
    of_one.map(|(name, sql)| (name.clone(), sql, values(&name))).collect()
}

#[tokio::test]
async fn a_statement_without_its_filter_sees_and_writes_no_row_of_another_organization() {
    let tenants = Tenants::create().await;
    let (mut wrong, mut needed, mut filtered) = (Vec::new(), 0, 0);
    for (name, sql, values) in statements() {
        let (unfiltered, removed) = without_filters(&sql);
        if removed == 0 {
            continue;
        }
        filtered += 1;
        let (sql, unfiltered) = (bind(&sql, "acme", values), bind(&unfiltered, "acme", values));
        let (expected, _) = tenants.run(Some("acme"), &sql).await;
        let (found, touched) = tenants.run(Some("acme"), &unfiltered).await;
        if let Err(error) = &expected {
            wrong.push(format!("{name} fails with its filter: {error}"));
        } else if touched != 0 || found != expected {
            wrong.push(format!("{name}: {touched} rows of others changed; {found:?} instead of {expected:?}"));
        }
        // Without row-level security, the statement answers something else.
        needed += usize::from(tenants.run_unbound(&unfiltered).await != expected);
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(filtered > 40 && needed > filtered / 2, "{needed} of {filtered} statements need row-level security");
}

#[tokio::test]
async fn a_statement_that_binds_another_organization_sees_and_writes_nothing() {
    let tenants = Tenants::create().await;
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (name, sql, values) in statements() {
        count += 1;
        // Neither does a statement of a transaction that has set no organization.
        for set in [Some("acme"), None] {
            let (nothing, _) = tenants.run(set, &bind(&sql, "none", values)).await;
            let (found, touched) = tenants.run(set, &bind(&sql, "beta", values)).await;
            if touched != 0 || found != nothing {
                wrong.push(format!("{name}: {touched} rows of others changed; {found:?} instead of {nothing:?}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(count > 50, "{count} statements");
}

#[tokio::test]
async fn a_statement_about_all_organizations_needs_the_role_of_the_jobs() {
    let tenants = Tenants::create().await;
    let mut seen = 0;
    for (name, values) in PARAMETERS {
        let sql = statements_of_files().remove(&format!("{name}.sql")).unwrap();
        if scope_of(&format!("{name}.sql"), &sql) == Scope::One {
            continue;
        }
        let sql = bind(&sql, values[0].trim_matches('\''), values);
        let all = tenants.run_unbound(&sql).await.unwrap();
        let (found, _) = tenants.run(None, &sql).await;
        assert_eq!(found.unwrap(), ["0 rows"], "{name}");
        seen += usize::from(all.len() > 1);
    }
    assert!(seen > 3, "{seen} statements see organizations");
}
