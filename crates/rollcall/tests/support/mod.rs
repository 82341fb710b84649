//! A running `rollcall demo` that ends with the test, and the expected files.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

/// Creates a data directory that the user of Postgres can access. It is removed with the test.
pub(crate) fn data_dir() -> tempfile::TempDir {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};
    let builder =
        tempfile::Builder::new().prefix("rollcall-demo-").permissions(Permissions::from_mode(0o755)).tempdir();
    builder.unwrap()
}

/// Returns the command `rollcall` with an embedded database in `dir`, on any free port.
pub(crate) fn rollcall(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    for variable in ["DATABASE_URL", "ROLLCALL_REPORTS_URL", "ROLLCALL_LOG", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        command.env_remove(variable);
    }
    command.args(arguments).args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(dir.join("data"));
    command.stdin(Stdio::null());
    command
}

/// A running demo.
pub(crate) struct Demo {
    child: Child,
    _output: BufReader<ChildStdout>,
    /// The output until the demo was ready.
    pub(crate) printed: String,
    /// The address of the server.
    pub(crate) url: String,
}

impl Demo {
    /// Starts the demo, and waits for its complete output.
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Self {
        let arguments = [&["demo"], arguments].concat();
        let mut child = rollcall(dir, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("until Ctrl-C") {
            assert!(output.read_line(&mut printed).unwrap() > 0, "it ended: {printed}");
        }
        let url = printed.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        Self { child, _output: output, printed, url }
    }

    /// Ends the demo like Ctrl-C.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        signal(&self.child, "INT");
        self.child.wait().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            signal(&self.child, "TERM");
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Returns the sample, and other folders if present.
pub(crate) fn folders() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![here.join("../cli/sample/acme")];
    let given = std::env::var_os("ROLLCALL_TEST_DATA").map(PathBuf::from);
    let shared = Some(here.join("../../../shared/data/rust-lang")).filter(|dir| dir.exists());
    folders.extend(given.or(shared));
    folders
}

/// Returns the id of the organization.
pub(crate) fn organization(folder: &Path) -> String {
    folder.canonicalize().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

/// Returns the rows of a CSV file, by the names of its columns.
pub(crate) fn rows(content: &[u8]) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(content).deserialize().map(Result::unwrap).collect()
}

/// Returns the rows of a CSV file in a folder.
pub(crate) fn rows_of(folder: &Path, file: &str) -> Vec<BTreeMap<String, String>> {
    rows(&std::fs::read(folder.join(file)).unwrap())
}

/// Returns some columns of rows, in order.
pub(crate) fn columns(rows: &[BTreeMap<String, String>], names: &[&str]) -> Vec<Vec<String>> {
    rows.iter().map(|row| names.iter().map(|name| row[*name].clone()).collect()).collect()
}
