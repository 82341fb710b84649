//! Editing one member's settings by hand.

use rollcall_domain::{
    FieldSelection, MemberId, Proposal, Settings,
    email_export::MemberExport,
    members::{EditMember, IdentityInput, MemberEdit, MemberInput, StoredIdentity},
    names,
};
use rollcall_store::{WriteTx, assignments::StoredList, audit::Document, members::MemberView};
use serde_json::json;

use super::{get_view, state};
use crate::{Applied, AuditDraft, Operation, Planned, Result, check_etag, document, seats};

/// A request to edit a member by hand.
#[derive(Clone, Debug)]
pub struct HandEdit<'a> {
    /// The member.
    pub member: &'a MemberId,
    /// The etag that the caller has read, if the caller gives one.
    pub etag: Option<&'a str>,
    /// The values in the request.
    pub input: &'a MemberInput,
    /// Which of them the update takes.
    pub selection: &'a FieldSelection,
    /// The identity fields in a request for the whole member. They may be given, but not changed.
    pub identity: Option<&'a IdentityInput>,
}

/// The member before the edit, with the edit.
pub struct MemberBefore {
    member: MemberView,
    edit: MemberEdit,
}

impl Operation for HandEdit<'_> {
    type Answer = MemberView;
    type Before = MemberBefore;
    const NAME: &'static str = "update_member_settings";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, stored: &StoredList) -> Result<(Proposal<'a>, MemberBefore)> {
        let member = get_view(tx, self.member).await?;
        check_etag(names::member(tx.id(), self.member), self.etag, member.updated_revision)?;
        let mut found = Vec::new();
        if let Some(identity) = self.identity {
            found.extend(identity.violations(StoredIdentity {
                organization: tx.id(),
                identity: &member.identity,
                active: member.active,
                groups: &member.groups,
            }));
        }
        let value = member.export.map(|export| export.setting.value());
        let edit = self.input.edit(self.selection, &member.settings, value);
        let edit = edit.map_err(|violation| found.push(violation)).unwrap_or_default();
        let state = state(&member, stored);
        let proposal = EditMember::propose(stored.current(tx.organization()), state, edit.clone(), found)?;
        Ok((Proposal::EditMember(proposal), MemberBefore { member, edit }))
    }

    fn audit(&self, before: &MemberBefore, planned: &Planned<'_>) -> AuditDraft {
        let MemberBefore { member, edit } = before;
        let export = planned.plan.members.first().map_or(member.export, |change| change.after.export);
        AuditDraft {
            resource: names::member(&planned.organization.id, self.member),
            before: settings_document(&member.settings, member.export),
            after: settings_document(edit.settings.as_ref().unwrap_or(&member.settings), export),
        }
    }

    fn answer(&self, before: MemberBefore, applied: &mut Applied<'_>) -> Result<MemberView> {
        let MemberBefore { member: mut value, edit } = before;
        let plan = &applied.planned.plan;
        let is_touched = !plan.members.is_empty() || plan.seats.granted().any(|granted| granted == self.member);
        if let Some(change) = plan.members.first() {
            value.settings = edit.settings.unwrap_or(value.settings);
            value.export = change.after.export;
        }
        seats::show_planned(&mut value, &plan.seats);
        if applied.is_written && is_touched {
            (value.updated_revision, value.updated_at) = (applied.revision, applied.planned.now);
        }
        applied.warnings = seats::warnings_of_member(&applied.planned.organization.catalog, &value);
        Ok(value)
    }
}

/// The settings of a member, for the audit. The source tells an edit with the same value apart from no edit.
fn settings_document(settings: &Settings, export: Option<MemberExport>) -> Option<Document> {
    document(json!({
        "settings": settings,
        "email_export": export.map(|export| export.setting.value()),
        "email_export_source": export.map(|export| export.source),
    }))
}
