//! Management of identity providers and their platforms: never public, whichever is behind.

use super::{Entry, Target, entry, get};

const PATHS: [(&str, &str); 24] = [
    ("carbon", "/carbon/admin/login.jsp"),
    ("carbon-capitals", "/CARBON/"),
    ("console", "/console/"),
    ("services", "/services/RemoteUserStoreManagerService?wsdl"),
    ("server-api", "/api/server/v1/applications"),
    ("identity-api", "/api/identity/user/v1.0/me"),
    ("users-api", "/api/users/v1/me"),
    ("scim2", "/scim2/Users"),
    ("fileupload", "/fileupload/toolsAny"),
    ("manager", "/manager/html"),
    ("metrics", "/metrics"),
    ("health", "/health/ready"),
    ("admin", "/admin/master/console/"),
    ("admin-api", "/admin/realms/master/users"),
    ("master-realm", "/realms/master/protocol/openid-connect/auth?client_id=security-admin-console"),
    ("management", "/management"),
    ("idp-status", "/idp/status"),
    ("idp-admin", "/idp/profile/admin/reload-service?id=shibboleth.LoggingService"),
    ("actuator", "/actuator/env"),
    ("jolokia", "/jolokia/list"),
    ("server-status", "/server-status"),
    ("dot-git", "/.git/config"),
    ("dot-env", "/.env"),
    ("web-inf", "/WEB-INF/web.xml"),
];

pub(super) fn entries(target: &Target) -> Vec<Entry> {
    PATHS
        .iter()
        .map(|(name, path)| entry("management", name, "never public", get(target, path, "")))
        .collect()
}
