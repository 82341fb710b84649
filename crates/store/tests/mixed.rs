//! The SQL statements that find mixed assignments agree with the domain's definition of *mixed*.

#![allow(clippy::unwrap_used)]

use rollcall_domain::{
    AssignmentId, OrganizationId,
    email_export::{EmailExport, Summary},
};
use rollcall_store::{Error, ReadTx, assignments::count_mixed, members::mixed::list_reported_assignments};
use rollcall_testkit::TestDatabase;

/// What a member of a migrated organization can be: active or not, with each setting.
const MEMBERS: [(bool, EmailExport); 4] = [
    (true, EmailExport::Export),
    (true, EmailExport::DoNotExport),
    (false, EmailExport::Export),
    (false, EmailExport::DoNotExport),
];

/// Every combination of up to four members.
fn combinations() -> Vec<Vec<(bool, EmailExport)>> {
    let mut all: Vec<Vec<_>> = vec![Vec::new()];
    for size in 0..4 {
        let shorter: Vec<_> = all.iter().filter(|members| members.len() == size).cloned().collect();
        for members in shorter {
            all.extend(MEMBERS.map(|member| [members.clone(), vec![member]].concat()));
        }
    }
    all
}

/// Writes an organization with an assignment for each combination.
fn sql(combinations: &[Vec<(bool, EmailExport)>]) -> String {
    let catalog = serde_json::to_string(&rollcall_domain::catalog::Catalog::default()).unwrap();
    let mut sql = format!(
        "INSERT INTO organizations VALUES ('acme', gen_random_uuid(), 'acme', 'MIGRATED',
            50, 10, '{catalog}', 1, 1, 1, now(), now(), now());
        INSERT INTO settings VALUES ('acme', '00000000-0000-0000-0000-000000000000', '{{}}', NULL, '{{}}',
            false, false, false, false, false, false, false);"
    );
    for (rank, members) in (1..).zip(combinations) {
        sql.push_str(&format!(
            "INSERT INTO assignments VALUES ('acme', 'a{rank}', gen_random_uuid(), 'A{rank}', {rank},
                'AUTOMATIC_UPDATES', '00000000-0000-0000-0000-000000000000', NULL, 1, now(), now());"
        ));
        for (number, (active, value)) in members.iter().enumerate() {
            sql.push_str(&format!(
                "INSERT INTO members VALUES ('acme', 'm{rank}-{number}', 'm{rank}-{number}@acme.example', 'Given',
                    'Family', 'Title', NULL, {active}, 'a{rank}', '00000000-0000-0000-0000-000000000000', '{value}', NULL,
                    'MIGRATION', NULL, 1, now(), now());"
            ));
        }
    }
    sql
}

#[tokio::test]
async fn every_statement_finds_the_mixed_assignments_of_the_domain() {
    let database = TestDatabase::new().await;
    let combinations = combinations();
    assert_eq!(combinations.len(), 1 + 4 + 16 + 64 + 256);
    database.client().await.batch_execute(&sql(&combinations)).await.unwrap();
    let acme = OrganizationId::trusted("acme");
    let (listed, reported) = database
        .db()
        .read(&acme, "test", async |tx: &mut ReadTx| {
            Ok::<_, Error>((count_mixed(tx).await?, list_reported_assignments(tx).await?))
        })
        .await
        .unwrap();
    let mut reported = reported.into_iter();
    for (rank, members) in (1..).zip(&combinations) {
        let id = AssignmentId::trusted(format!("a{rank}"));
        let summary = Summary::count(members.iter().map(|(active, value)| (*active, Some(*value))));
        assert_eq!(listed.contains_key(&id), summary.is_mixed(), "{members:?}");
        if summary.is_mixed() {
            let found = reported.next().unwrap();
            assert_eq!((found.id, found.rank, found.summary), (id.clone(), rank, summary), "{members:?}");
            assert_eq!(listed[&id].summary, summary, "{members:?}");
        }
    }
    assert_eq!(reported.next(), None);
}
