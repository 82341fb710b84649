//! The text of each statement that the store sends, with the statements that diesel builds.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    sync::{Mutex, PoisonError},
};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Observes all connections that this process makes from now on.
pub(crate) fn start() {
    set_default_instrumentation(|| Some(Box::new(Observer))).unwrap();
}

/// Returns the statements so far.
pub(crate) fn statements() -> BTreeSet<String> {
    STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

struct Observer;

impl Instrumentation for Observer {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let mut text = TextWithoutValues(String::new());
            let _ = write!(text, "{query}");
            STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).insert(text.0);
        }
    }
}

/// Takes the text up to the bound values, which may be large: ends the formatting there.
struct TextWithoutValues(String);

impl fmt::Write for TextWithoutValues {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        match self.0.find(" -- binds: ") {
            Some(end) => {
                self.0.truncate(end);
                Err(fmt::Error)
            }
            None => Ok(()),
        }
    }
}
