//! Editing one member's settings by hand.

use rollcall_domain::{
    MemberId, OrganizationId, Refusal, Violation,
    members::{MemberEdit, plan_edit},
    names,
};
use rollcall_store::{WriteTx, members::MemberView};
use serde_json::json;

use super::{get_states, get_view, load_list, write};
use crate::{Answer, App, Call, Changed, Preview, Result, check_etag, seats};

/// Makes the edit from the member as they are, and says what is wrong with asking for it.
pub type MakeMemberEdit<'a> = dyn Fn(&MemberView) -> (MemberEdit, Vec<Violation>) + Sync + 'a;

/// An edit as it is asked for.
pub struct MemberUpdate<'a> {
    /// Which member.
    pub member: &'a MemberId,
    /// What the caller has read, if they say.
    pub etag: Option<&'a str>,
    /// The edit.
    pub edit: &'a MakeMemberEdit<'a>,
}

impl App {
    /// Edits one member's settings by hand.
    ///
    /// # Errors
    /// An unknown member, a stale etag, bad values, or an assignment that updates automatically.
    pub async fn update_member_settings(
        &self,
        call: &Call<'_, MemberView>,
        organization: &OrganizationId,
        update: &MemberUpdate<'_>,
    ) -> Result<Answer<MemberView>> {
        self.change(call, organization, "update_member_settings", async |tx: &mut WriteTx| {
            let member = update.member;
            let mut value = get_view(tx, member).await?;
            let resource = names::member(organization, member);
            check_etag(&resource, update.etag, value.updated_revision)?;
            let (edit, mut found) = (update.edit)(&value);
            found.extend(edit.violations(&tx.organization().catalog));
            Refusal::unless_empty(found)?;
            let stored = load_list(tx).await?;
            let states = get_states(tx, std::slice::from_ref(member), &stored).await?;
            let found = tx.organization();
            let (phase, catalog) = (found.phase, found.catalog.clone());
            let mut plan = plan_edit(organization, phase, &catalog, &stored.list, &states[0], edit.clone(), tx.now())?;
            let before = json!({ "settings": value.settings, "email_export": value.export.map(|e| e.setting.value()) });
            let after = json!({ "settings": edit.settings, "email_export": edit.choose });
            let event = (resource, Some(before), Some(after));
            let (revision, _) = write(tx, call, (&mut plan, &states), "", event).await?;
            let preview = call.validate_only.then(|| Preview::of(&plan));
            if !call.validate_only {
                value = get_view(tx, member).await?;
            } else if let Some(change) = plan.members.first() {
                value.settings = edit.settings.unwrap_or(value.settings);
                value.export = change.after.export;
                seats::show_planned(&mut value, &plan.seats);
            }
            let warnings = seats::warnings_of(tx, &value);
            Ok(Changed { value, preview, revision, warnings })
        })
        .await
    }
}
