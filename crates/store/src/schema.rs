//! The tables that diesel's query builder and row types use. A test compares them with the migrated schema.

diesel::table! {
    organizations (id) {
        id -> Text,
        uid -> Uuid,
        display_name -> Text,
        phase -> Text,
        mass_change_members -> Integer,
        mass_change_percent -> Integer,
        catalog -> Jsonb,
        catalog_revision -> BigInt,
        revision -> BigInt,
        updated_revision -> BigInt,
        last_write_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        email_domains -> Array<Text>,
        wave -> Integer,
        holdings_revision -> BigInt,
        seat_counts -> Jsonb,
        seat_counts_revision -> BigInt,
    }
}

diesel::table! {
    members (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        email -> Text,
        given_name -> Text,
        family_name -> Text,
        job_title -> Text,
        manager_email -> Nullable<Text>,
        active -> Bool,
        assignment_id -> Text,
        settings_id -> Uuid,
        email_export -> Nullable<Text>,
        email_export_since -> Nullable<Timestamptz>,
        email_export_source -> Nullable<Text>,
        legacy_email_export -> Nullable<Bool>,
        updated_revision -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    groups (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        display_name -> Text,
        present -> Bool,
    }
}

diesel::table! {
    settings (organization_id, id) {
        organization_id -> Text,
        id -> Uuid,
        seats -> Array<Text>,
        home_workspace -> Nullable<Text>,
        permissions -> Jsonb,
        web_conferences_recorded -> Bool,
        prevent_web_conference_recording -> Bool,
        telephony_calls_imported -> Bool,
        emails_imported -> Bool,
        prevent_email_import -> Bool,
        non_recorded_meetings_imported -> Bool,
        gong_connect_enabled -> Bool,
    }
}

diesel::table! {
    assignments (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        uid -> Uuid,
        display_name -> Text,
        rank -> Integer,
        update_mode -> Text,
        settings_id -> Uuid,
        email_export -> Nullable<Text>,
        updated_revision -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    assignment_groups (organization_id, assignment_id, group_id) {
        organization_id -> Text,
        assignment_id -> Text,
        group_id -> Text,
    }
}

diesel::table! {
    pins (organization_id, member_id) {
        organization_id -> Text,
        member_id -> Text,
        assignment_id -> Text,
        actor -> Text,
        reason -> Text,
        pinned_at -> Timestamptz,
    }
}

diesel::table! {
    pending_seats (organization_id, seat_type, member_id) {
        organization_id -> Text,
        seat_type -> Text,
        member_id -> Text,
        pending_since -> Timestamptz,
        pending_revision -> BigInt,
    }
}

diesel::table! {
    unmatched_legacy_settings (organization_id, email) {
        organization_id -> Text,
        email -> Text,
        email_export -> Bool,
        imported_at -> Timestamptz,
    }
}

diesel::table! {
    member_changes (organization_id, member_id, revision) {
        organization_id -> Text,
        member_id -> Text,
        revision -> BigInt,
        cause -> Text,
        assignment_before -> Nullable<Text>,
        assignment_after -> Text,
        settings_before -> Nullable<Uuid>,
        settings_after -> Uuid,
        email_export_before -> Nullable<Text>,
        email_export_after -> Nullable<Text>,
        email_export_since_before -> Nullable<Timestamptz>,
        email_export_since_after -> Nullable<Timestamptz>,
        email_export_source_before -> Nullable<Text>,
        email_export_source_after -> Nullable<Text>,
    }
}

diesel::table! {
    audit_events (organization_id, revision) {
        organization_id -> Text,
        revision -> BigInt,
        occurred_at -> Timestamptz,
        actor -> Text,
        method -> Text,
        resource -> Text,
        trace_id -> Nullable<Text>,
        members_changed -> Integer,
        before -> Nullable<Json>,
        after -> Nullable<Json>,
        request_id -> Nullable<Uuid>,
        assignment_changes -> Integer,
        flips_to_export -> Integer,
        flips_to_do_not_export -> Integer,
        settings_changes -> Integer,
    }
}

diesel::table! {
    settings_migrations (organization_id) {
        organization_id -> Text,
        state -> Text,
        failure -> Nullable<Text>,
        proof -> Nullable<Jsonb>,
        outcomes -> Jsonb,
        updated_at -> Timestamptz,
        chosen_assignment -> Nullable<Text>,
        set_aside_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    self_checks (organization_id) {
        organization_id -> Text,
        revision -> BigInt,
        checked_at -> Timestamptz,
        difference_count -> Integer,
        counts -> Jsonb,
        differences -> Jsonb,
    }
}

diesel::table! {
    jobs (name) {
        name -> Text,
        scheduled_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    job_runs (id) {
        id -> Uuid,
        job -> Text,
        scheduled_for -> Timestamptz,
        state -> Text,
        attempt -> Integer,
        fence -> BigInt,
        not_before -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        // For a run with an input: the last organization that the run has dealt with.
        position -> Nullable<Text>,
        outcome -> Jsonb,
        failure -> Nullable<Text>,
        report -> Nullable<Text>,
        cancel_requested_at -> Nullable<Timestamptz>,
        began_with -> Jsonb,
        input -> Nullable<Jsonb>,
        cancelled_by -> Nullable<Text>,
    }
}

diesel::table! {
    job_audit_events (run_id) {
        run_id -> Uuid,
        job -> Text,
        occurred_at -> Timestamptz,
        state -> Text,
        actor -> Text,
        cause -> Text,
    }
}

diesel::table! {
    job_run_refusals (run_id, organization) {
        run_id -> Uuid,
        organization -> Text,
        reason -> Text,
        message -> Text,
    }
}

diesel::table! {
    reports (id) {
        id -> Text,
        run_id -> Uuid,
        path -> Text,
        data_as_of -> Timestamptz,
        published_at -> Timestamptz,
        row_count -> BigInt,
        byte_count -> BigInt,
        sha256 -> Text,
        organization_count -> Integer,
        legacy_organization_count -> Integer,
        mixed_assignment_count -> Integer,
        files -> Jsonb,
        missing_organizations -> Jsonb,
    }
}

diesel::table! {
    requests (organization_id, id) {
        organization_id -> Text,
        id -> Uuid,
        fingerprint -> Bytea,
        response -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    installation (id) {
        id -> Bool,
        page_token_key -> Bytea,
        installation_id -> Nullable<Uuid>,
        restores -> Integer,
    }
}

diesel::table! {
    address_holdings (organization_id, email, revision) {
        organization_id -> Text,
        email -> Text,
        revision -> BigInt,
        member_id -> Text,
        begins_at -> Timestamptz,
        is_exact -> Bool,
    }
}

diesel::allow_tables_to_appear_in_same_query!(organizations, members, address_holdings);
diesel::allow_tables_to_appear_in_same_query!(job_runs, reports);
