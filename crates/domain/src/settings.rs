//! The bundle of settings that an assignment gives, email export aside.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::{FieldSelection, Violation, ViolationKind};

/// What is captured for a member (product.md 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DataCapture {
    /// Web conferences are recorded.
    pub web_conferences_recorded: bool,
    /// Recording of web conferences is prevented.
    pub prevent_web_conference_recording: bool,
    /// Telephony calls are imported.
    pub telephony_calls_imported: bool,
    /// Emails are imported.
    pub emails_imported: bool,
    /// Import of emails is prevented.
    pub prevent_email_import: bool,
    /// Meetings that were not recorded are imported.
    pub non_recorded_meetings_imported: bool,
    /// Gong Connect is enabled.
    pub gong_connect_enabled: bool,
}

impl DataCapture {
    /// Pairs that ask for and prevent the same (product.md 9).
    #[must_use]
    pub fn contradictions(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.web_conferences_recorded && self.prevent_web_conference_recording {
            found.push(("web_conferences_recorded", "prevent_web_conference_recording"));
        }
        if self.emails_imported && self.prevent_email_import {
            found.push(("emails_imported", "prevent_email_import"));
        }
        found
    }

    /// The data capture after an update that gives `given` and selects some of its flags. Without an update mask, a flag
    /// that is set is populated.
    fn updated(self, given: Self, selection: &FieldSelection) -> Self {
        let whole = selection.names("settings.data_capture");
        let update = |flag: &str, before: bool, given: bool| {
            let selected = whole || selection.selects(&format!("settings.data_capture.{flag}"), given);
            if selected { given } else { before }
        };
        macro_rules! update {
            ($($flag:ident),*) => { Self { $($flag: update(stringify!($flag), self.$flag, given.$flag)),* } };
        }
        update!(
            web_conferences_recorded,
            prevent_web_conference_recording,
            telephony_calls_imported,
            emails_imported,
            prevent_email_import,
            non_recorded_meetings_imported,
            gong_connect_enabled
        )
    }

    fn flags(&self) -> [bool; 7] {
        [
            self.web_conferences_recorded,
            self.prevent_web_conference_recording,
            self.telephony_calls_imported,
            self.emails_imported,
            self.prevent_email_import,
            self.non_recorded_meetings_imported,
            self.gong_connect_enabled,
        ]
    }
}

/// Seats, workspaces and data capture; a value, the same wherever its content is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Settings {
    /// Seat type ids.
    pub seats: BTreeSet<String>,
    /// The home workspace's id.
    pub home_workspace: Option<String>,
    /// The permission profile in each workspace, by workspace id.
    pub permissions: BTreeMap<String, String>,
    /// What is captured.
    pub data_capture: DataCapture,
}

/// Identifies settings by their content, so that 100,000 members with the same settings share
/// one row, and comparing two is comparing 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingsId(pub [u8; 16]);

impl Settings {
    /// The id: the first half of a SHA-256 over the length-prefixed content.
    #[must_use]
    pub fn id(&self) -> SettingsId {
        let mut hash = Sha256::new();
        let mut feed = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        feed(&self.seats.len().to_string());
        self.seats.iter().for_each(|seat| feed(seat));
        feed(self.home_workspace.as_deref().unwrap_or_default());
        for (workspace, profile) in &self.permissions {
            feed(workspace);
            feed(profile);
        }
        hash.update(self.data_capture.flags().map(u8::from));
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        SettingsId(id)
    }

    /// The paths of settings that an update mask may name, below the message that has the settings.
    pub const PATHS: [&str; 12] = [
        "settings",
        "settings.seats",
        "settings.home_workspace",
        "settings.permissions",
        "settings.data_capture",
        "settings.data_capture.web_conferences_recorded",
        "settings.data_capture.prevent_web_conference_recording",
        "settings.data_capture.telephony_calls_imported",
        "settings.data_capture.emails_imported",
        "settings.data_capture.prevent_email_import",
        "settings.data_capture.non_recorded_meetings_imported",
        "settings.data_capture.gong_connect_enabled",
    ];

    /// The settings after an update that gives `given` and selects some of its parts.
    #[must_use]
    pub fn updated(&self, given: Option<&Self>, selection: &FieldSelection) -> Self {
        if selection.names("settings") {
            return given.cloned().unwrap_or_default();
        }
        let empty = Self::default();
        let new = given.unwrap_or(&empty);
        let selects = |path: &str, populated: bool| selection.selects(path, given.is_some() && populated);
        let mut after = self.clone();
        if selects("settings.seats", !new.seats.is_empty()) {
            after.seats.clone_from(&new.seats);
        }
        if selects("settings.home_workspace", new.home_workspace.is_some()) {
            after.home_workspace.clone_from(&new.home_workspace);
        }
        if selects("settings.permissions", !new.permissions.is_empty()) {
            after.permissions.clone_from(&new.permissions);
        }
        after.data_capture = self.data_capture.updated(new.data_capture, selection);
        after
    }

    /// Lists what is wrong with the settings on their own, without a catalog.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        let contradiction = |(wanted, prevented): (&str, &str)| {
            Violation::new(
                ViolationKind::ContradictoryDataCapture,
                format!("data_capture.{prevented}"),
                format!("{wanted} and {prevented} contradict each other; set at most one"),
            )
            .with("fields", format!("{wanted},{prevented}"))
        };
        self.data_capture.contradictions().into_iter().map(contradiction).collect()
    }
}
