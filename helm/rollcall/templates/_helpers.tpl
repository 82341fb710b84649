{{/* Prefix of resource names. At most 52 characters, so that a suffix fits into the limit of 63. */}}
{{- define "rollcall.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels that select pods. They are immutable in a Deployment, so none of them may ever change. Takes (list . "component"). */}}
{{- define "rollcall.selectorLabels" -}}
{{- $ctx := index . 0 -}}
app.kubernetes.io/name: {{ default $ctx.Chart.Name $ctx.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ $ctx.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* All labels. Takes (list . "component"). */}}
{{- define "rollcall.labels" -}}
{{- $ctx := index . 0 -}}
{{ include "rollcall.selectorLabels" . }}
app.kubernetes.io/version: {{ $ctx.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $ctx.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $ctx.Chart.Name $ctx.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "rollcall.image" -}}
{{- $repository := required "image.repository is required: the image to run, for example registry.example.com/rollcall" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{- define "rollcall.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rollcall.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* "true" if the reports are on a volume, empty if they are in an object store. */}}
{{- define "rollcall.reportsOnVolume" -}}
{{- if hasPrefix "file://" .Values.reports.url -}}
true
{{- else if or .Values.reports.persistence.existingClaim .Values.reports.persistence.create -}}
{{- fail "reports.persistence: an object store needs no volume. Unset existingClaim and create, or set reports.url to a file:// URL" -}}
{{- end -}}
{{- end }}

{{/* The claim of the reports volume. There is no option for a separate volume in each pod: it would silently lose reports. */}}
{{- define "rollcall.reportsClaim" -}}
{{- $p := .Values.reports.persistence -}}
{{- if and $p.existingClaim $p.create -}}
{{- fail "reports.persistence: set existingClaim or create, not both" -}}
{{- else if $p.existingClaim -}}
{{- $p.existingClaim -}}
{{- else if $p.create -}}
{{- include "rollcall.fullname" . }}-reports
{{- else -}}
{{- fail "reports.persistence is required: serve and jobs pods share the reports volume. Set reports.persistence.existingClaim to a ReadWriteMany claim, or reports.persistence.create=true, or reports.url to an object store" -}}
{{- end -}}
{{- end }}

{{/* The part of the spec that all pods have in common. */}}
{{- define "rollcall.podSpec" -}}
automountServiceAccountToken: false
# Kubernetes would add variables for the Service rollcall, whose names also start with ROLLCALL_.
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The part that all containers have in common. */}}
{{- define "rollcall.container" -}}
image: {{ include "rollcall.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{/* Environment of every container. Takes (list . secret key): the Secret with the Postgres URL, and its key there. */}}
{{- define "rollcall.env" -}}
{{- $secret := index . 1 }}
{{- $key := index . 2 }}
{{- with index . 0 }}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ required "database.existingSecret is required: the name of a Secret that holds the Postgres URL" $secret | quote }}
      key: {{ required "database.key is required: the key in database.existingSecret whose value is the Postgres URL" $key | quote }}
- name: ROLLCALL_LOG
  value: {{ .Values.log | quote }}
- name: ROLLCALL_LOG_FORMAT
  value: json
{{- with .Values.otlpEndpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Environment of the serve and jobs containers. */}}
{{- define "rollcall.serverEnv" -}}
- name: ROLLCALL_LISTEN
  value: 0.0.0.0:50051
- name: ROLLCALL_HEALTH_LISTEN
  value: 0.0.0.0:50052
- name: ROLLCALL_REPORTS_URL
  value: {{ .Values.reports.url | quote }}
- name: ROLLCALL_REPORT_SCHEDULE
  value: {{ .Values.reports.schedule | quote }}
- name: ROLLCALL_REPORT_TIME_ZONE
  value: {{ .Values.reports.timeZone | quote }}
- name: ROLLCALL_MIGRATION_WAVE
  value: {{ .Values.migration.wave | int64 | quote }}
- name: ROLLCALL_MIGRATION_STOP_IN_A_ROW
  value: {{ .Values.migration.stopInARow | int64 | quote }}
- name: ROLLCALL_MIGRATION_STOP_PERCENT
  value: {{ .Values.migration.stopPercent | int64 | quote }}
- name: ROLLCALL_MIGRATION_CANARIES
  value: {{ .Values.migration.canaries | int64 | quote }}
- name: ROLLCALL_DATABASE_CONNECTIONS
  value: {{ .Values.database.connections | int64 | quote }}
- name: ROLLCALL_CHECK_CONNECTIONS
  value: {{ .Values.database.checkConnections | int64 | quote }}
- name: ROLLCALL_READ_CONNECTIONS
  value: {{ .Values.database.readConnections | int64 | quote }}
- name: ROLLCALL_STREAM_CONNECTIONS
  value: {{ .Values.database.streamConnections | int64 | quote }}
- name: ROLLCALL_BULK_CONNECTIONS
  value: {{ .Values.database.bulkConnections | int64 | quote }}
- name: ROLLCALL_CHECK_CALLS
  value: {{ .Values.calls.checks | int64 | quote }}
- name: ROLLCALL_READ_CALLS
  value: {{ .Values.calls.reads | int64 | quote }}
- name: ROLLCALL_WRITE_CALLS
  value: {{ .Values.calls.writes | int64 | quote }}
- name: ROLLCALL_BULK_CALLS
  value: {{ .Values.calls.bulk | int64 | quote }}
- name: ROLLCALL_STREAM_CALLS
  value: {{ .Values.calls.streams | int64 | quote }}
- name: ROLLCALL_CALL_MEMORY
  value: {{ printf "%dMiB" (int64 .Values.calls.memoryMiB) | quote }}
- name: ROLLCALL_DECISION_MEMORY
  value: {{ printf "%dMiB" (int64 .Values.decisions.memoryMiB) | quote }}
- name: ROLLCALL_DECISION_POLL_INTERVAL
  value: {{ printf "%dms" (int64 .Values.decisions.pollMilliseconds) | quote }}
- name: ROLLCALL_DECISION_SIGNALS
  value: {{ .Values.decisions.signals | quote }}
- name: ROLLCALL_MAX_STALENESS
  value: {{ printf "%ds" (int64 .Values.decisions.maxStalenessSeconds) | quote }}
- name: ROLLCALL_MAX_STALENESS_ON_OUTAGE
  value: {{ printf "%ds" (int64 .Values.decisions.maxStalenessOnOutageSeconds) | quote }}
- name: ROLLCALL_ORGANIZATION_SHARE
  value: {{ .Values.calls.organizationShare | int64 | quote }}
- name: ROLLCALL_STREAM_TIME
  value: {{ printf "%ds" (int64 .Values.calls.streamTimeSeconds) | quote }}
- name: ROLLCALL_WAITING_WRITES
  value: {{ .Values.database.waitingWrites | int64 | quote }}
- name: ROLLCALL_WRITE_WAIT
  value: {{ printf "%ds" (int64 .Values.database.writeWaitSeconds) | quote }}
- name: ROLLCALL_CLIENT_CONNECTIONS
  value: {{ .Values.clients.connections | int64 | quote }}
- name: ROLLCALL_CLIENT_IDLE_TIMEOUT
  value: {{ printf "%ds" (int64 .Values.clients.idleTimeoutSeconds) | quote }}
- name: ROLLCALL_SHUTDOWN_TIMEOUT
  value: {{ printf "%ds" (int64 .Values.shutdownTimeoutSeconds) | quote }}
{{- include "rollcall.env" (list . .Values.database.existingSecret .Values.database.key) }}
{{- end }}

{{/* Who may call, as JSON. */}}
{{- define "rollcall.authConfig" -}}
{{- if not .Values.auth.config -}}
{{- fail "auth.config is required: who may call, as \"Who may call\" in docs/operations.md describes it" -}}
{{- end -}}
{{ .Values.auth.config | mustToPrettyJson }}
{{- end }}

{{/* Environment of the serve container only. */}}
{{- define "rollcall.authEnv" -}}
- name: ROLLCALL_AUTH
  value: {{ .Values.auth.mode | quote }}
- name: ROLLCALL_AUTH_CONFIG
  value: /etc/rollcall/auth.json
{{- end }}

{{/* Credentials of the object store, for the serve and jobs containers. */}}
{{- define "rollcall.serverEnvFrom" -}}
{{- with .Values.reports.existingSecret }}
envFrom:
  - secretRef:
      name: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Probes of the standard gRPC health, on a port of their own, because probes use no TLS: of the whole server (service ""),
   which can answer some calls, and of the process for liveness, because a restart does not bring the database back. Only
   liveness restarts a pod, so it waits longest. */}}
{{- define "rollcall.probes" -}}
startupProbe:
  grpc:
    port: 50052
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 30
readinessProbe:
  grpc:
    port: 50052
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  grpc:
    port: 50052
    service: process
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{/* TLS of the serve containers. The Secrets are mounted as directories, because single files would never change. */}}
{{- define "rollcall.tlsEnv" -}}
{{- if .Values.tls.existingSecret }}
- name: ROLLCALL_TLS_CERT
  value: /etc/rollcall-tls/tls.crt
- name: ROLLCALL_TLS_KEY
  value: /etc/rollcall-tls/tls.key
{{- if .Values.tls.clientCASecret }}
- name: ROLLCALL_TLS_CLIENT_CA
  value: {{ printf "/etc/rollcall-client-ca/%s" .Values.tls.clientCAKey | quote }}
- name: ROLLCALL_TLS_CLIENT_AUTH
  value: {{ .Values.tls.clientAuth | quote }}
{{- end }}
{{- else if .Values.tls.clientCASecret }}
{{- fail "tls.clientCASecret needs a server with TLS: set tls.existingSecret too" }}
{{- end }}
{{- end }}

{{- define "rollcall.tlsMounts" -}}
{{- if .Values.tls.existingSecret }}
- name: tls
  mountPath: /etc/rollcall-tls
  readOnly: true
{{- if .Values.tls.clientCASecret }}
- name: client-ca
  mountPath: /etc/rollcall-client-ca
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "rollcall.tlsVolumes" -}}
{{- if .Values.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ .Values.tls.existingSecret | quote }}
    defaultMode: 0440
{{- if .Values.tls.clientCASecret }}
- name: client-ca
  secret:
    secretName: {{ .Values.tls.clientCASecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.tls.clientCAKey | quote }}
        path: {{ .Values.tls.clientCAKey | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Files for TLS to Postgres, in all containers. */}}
{{- define "rollcall.databaseMount" -}}
{{- if .Values.database.tlsSecret }}
- name: database-tls
  mountPath: /etc/rollcall-database
  readOnly: true
{{- end }}
{{- end }}

{{- define "rollcall.databaseVolume" -}}
{{- with .Values.database.tlsSecret }}
- name: database-tls
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
{{- end }}
{{- end }}

{{- define "rollcall.reportsMount" -}}
- name: reports
  mountPath: {{ trimPrefix "file://" .Values.reports.url | quote }}
{{- end }}

{{- define "rollcall.reportsVolume" -}}
- name: reports
  persistentVolumeClaim:
    claimName: {{ include "rollcall.reportsClaim" . }}
{{- end }}
