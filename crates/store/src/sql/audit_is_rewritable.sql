-- Whether the database role of this connection may change or delete rows of the append-only tables. A superuser
-- always may.
SELECT bool_or(has_table_privilege(t.name, 'UPDATE, DELETE, TRUNCATE')) AS rewritable
FROM unnest(ARRAY[
    'audit_document_parts', 'audit_events', 'audit_subjects', 'job_audit_events', 'member_changes'
]) AS t (name)
