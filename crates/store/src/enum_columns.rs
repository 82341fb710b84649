//! Text columns that hold a word of an enum, and the three columns of an email export setting.

use std::{any::type_name, str::FromStr};

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    prelude::*,
    sql_types::Text,
};
use rollcall_domain::{
    Held, Phase, Timestamp,
    email_export::{EmailExport, MemberExport, Setting, Since, Source},
};

use crate::schema::members;

/// A text column that holds a word of the enum `E`. Reading an unknown word fails.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub struct EnumColumn<E>(pub(crate) E);

impl<E: FromStr> FromSql<Text, Pg> for EnumColumn<E> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let word = str::from_utf8(value.as_bytes())?;
        word.parse().map(Self).map_err(|_| format!("unknown {} `{word}`", type_name::<E>()).into())
    }
}

impl From<EnumColumn<Phase>> for Phase {
    fn from(column: EnumColumn<Phase>) -> Self {
        column.0
    }
}

/// The three columns of a member's email export setting.
#[derive(Clone, Copy, Debug, Default, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = members, check_for_backend(Pg))]
pub(crate) struct ExportColumns {
    pub(crate) email_export: Option<EnumColumn<EmailExport>>,
    pub(crate) email_export_since: Option<Timestamp>,
    pub(crate) email_export_source: Option<EnumColumn<Source>>,
}

impl ExportColumns {
    /// The columns for what a member has; all null without a setting.
    pub(crate) fn of(held: Option<&Held>) -> Self {
        let Some(export) = held.and_then(|held| held.export) else { return Self::default() };
        Self {
            email_export: Some(EnumColumn(export.setting.value())),
            email_export_since: export.setting.start(),
            email_export_source: Some(EnumColumn(export.source)),
        }
    }

    pub(crate) fn value(&self) -> Option<&'static str> {
        self.email_export.map(|EnumColumn(value)| value.as_str())
    }

    pub(crate) fn source(&self) -> Option<&'static str> {
        self.email_export_source.map(|EnumColumn(source)| source.as_str())
    }

    /// The setting that the columns hold, if they hold one.
    pub(crate) fn into_export(self) -> Option<MemberExport> {
        let (EnumColumn(value), EnumColumn(source)) = self.email_export.zip(self.email_export_source)?;
        let setting = match value {
            EmailExport::DoNotExport => Setting::DoNotExport,
            EmailExport::Export => Setting::Export(self.email_export_since.map_or(Since::Always, Since::At)),
        };
        Some(MemberExport { setting, source })
    }
}
