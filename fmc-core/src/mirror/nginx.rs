//! nginx's configuration (*nginx documentation*): files, read-only, and nothing else.

use super::{PORT, ROOT};

/// The path of the configuration. It replaces the distribution's, whose default site would be on port 80.
pub const PATH: &str = "/etc/nginx/nginx.conf";

/// The configuration, for the user that the distribution's package makes.
pub fn configuration(user: &str) -> String {
    format!(
        "# The mirror of the bootstrap machine, written by fmc.\n\
         user {user};\n\
         worker_processes auto;\n\
         pid /run/nginx.pid;\n\
         error_log /var/log/nginx/error.log;\n\n\
         events {{\n    worker_connections 1024;\n}}\n\n\
         http {{\n    \
         access_log /var/log/nginx/access.log;\n    \
         default_type application/octet-stream;\n    \
         server_tokens off;\n    \
         sendfile on;\n    \
         tcp_nopush on;\n\n    \
         server {{\n        \
         listen {PORT};\n        \
         listen [::]:{PORT};\n        \
         root {ROOT};\n\n        \
         location / {{\n            \
         limit_except GET {{\n                deny all;\n            }}\n            \
         try_files $uri =404;\n        }}\n    }}\n}}\n"
    )
}
