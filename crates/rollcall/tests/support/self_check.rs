//! The self-check as the last check of a simulation.

use rollcall_app::{App, reports::ReportStore};
use rollcall_store::{Db, organizations::list_ids_after};

/// Makes the self-check of every organization, which must find no difference between the stored data and the rules.
pub(crate) async fn assert_no_differences(db: &Db) {
    // A self-check uses no reports.
    let reports = ReportStore::open(&format!("file://{}", std::env::temp_dir().display())).unwrap();
    let app = App::new(db.clone(), reports);
    let organizations = list_ids_after(db, None, i64::from(i32::MAX)).await.unwrap();
    assert!(!organizations.is_empty(), "there are organizations to check");
    for organization in organizations {
        let check = app.check_organization(&organization, None).await.unwrap();
        assert_eq!(check.differences.kept, [], "{organization} differs from the rules");
    }
}
