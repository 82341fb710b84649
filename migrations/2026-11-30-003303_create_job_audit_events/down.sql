DROP TABLE job_audit_events;
