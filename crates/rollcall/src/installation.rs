//! `rollcall restored` and `rollcall report take-over`: which installation a database is, and which installation owns the
//! place of the reports (ADR 25).

use rollcall_app::App;
use rollcall_cli::print_line;
use rollcall_store::installation;

use crate::{
    config::Config,
    database::Database,
    error::{Error, Result},
    shutdown::Shutdown,
};

/// `rollcall restored`: from now on the installation of this database is another one than that of the original.
///
/// # Errors
/// The database cannot be opened or written.
pub(crate) async fn restored(config: &Config, shutdown: &Shutdown) -> Result {
    let count = async |app: App| {
        installation::add_restore(app.db()).await.map_err(Error::doing("cannot count the restore"))?;
        print_line("the database counts as restored: it no longer owns the reports of the original");
        print_line("give it another --reports-url or, if it replaces the original, run `rollcall report take-over`");
        Ok(())
    };
    with_database(config, shutdown, count).await
}

/// `rollcall report take-over`: this installation becomes the owner of the reports.
///
/// # Errors
/// The database or the report store cannot be used.
pub(crate) async fn take_over_reports(config: &Config, shutdown: &Shutdown) -> Result {
    let take_over = async |app: App| {
        app.take_over_reports().await.map_err(Error::doing("cannot take over the reports"))?;
        print_line(format!("this installation owns the reports in {}", app.reports().url_of("")));
        Ok(())
    };
    with_database(config, shutdown, take_over).await
}

async fn with_database(config: &Config, shutdown: &Shutdown, run: impl AsyncFnOnce(App) -> Result) -> Result {
    let finished = async {
        let database = Database::open(config).await?;
        let app = config.open_reports().map(|reports| App::new(database.db.clone(), reports));
        let finished = async { run(app?).await }.await;
        finished.and(database.close().await)
    };
    shutdown.interrupts(finished).await.unwrap_or_else(|| Err(Error::failed("interrupted")))
}
