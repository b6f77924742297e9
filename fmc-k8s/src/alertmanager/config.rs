//! The configuration of an Alertmanager (*Configuration* of Alertmanager 0.35).

use serde::Serialize;

use super::{Alertmanager, Email, Receiver, SECRETS, SeverityRoute, Slack, Webhook};

/// The text of its configuration, which names the files of its secrets and holds none of them.
pub(super) fn text(of: &Alertmanager) -> String {
    let seconds = |seconds: u32| format!("{seconds}s");
    let config = Config {
        route: Root {
            receiver: of.receivers.first().map(|one| one.name.to_string()).unwrap_or_default(),
            group_by: of.group_by.clone(),
            group_wait: seconds(of.group_wait),
            group_interval: seconds(of.group_interval),
            repeat_interval: seconds(of.repeat_interval),
            routes: of.routes.iter().map(Branch::of).collect(),
        },
        receivers: of.receivers.iter().map(To::of).collect(),
    };
    serde_saphyr::to_string(&config).unwrap_or_default()
}

#[derive(Serialize)]
struct Config {
    route: Root,
    receivers: Vec<To>,
}

#[derive(Serialize)]
struct Root {
    receiver: String,
    group_by: Vec<String>,
    group_wait: String,
    group_interval: String,
    repeat_interval: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Branch>,
}

#[derive(Serialize)]
struct Branch {
    matchers: [String; 1],
    receiver: String,
}

impl Branch {
    fn of(route: &SeverityRoute) -> Self {
        let value = route.severity.replace('\\', "\\\\").replace('"', "\\\"");
        Self { matchers: [format!("severity=\"{value}\"")], receiver: route.to.to_string() }
    }
}

#[derive(Serialize)]
struct To {
    name: String,
    #[serde(rename = "webhook_configs", skip_serializing_if = "Vec::is_empty")]
    webhooks: Vec<ToWebhook>,
    #[serde(rename = "email_configs", skip_serializing_if = "Vec::is_empty")]
    emails: Vec<ToEmail>,
    #[serde(rename = "slack_configs", skip_serializing_if = "Vec::is_empty")]
    slack: Vec<ToSlack>,
}

impl To {
    fn of(receiver: &Receiver) -> Self {
        let file = |way: &str, at: usize| format!("{SECRETS}/{}", receiver.file(way, at));
        let webhooks = receiver.webhooks.iter().enumerate();
        let emails = receiver.emails.iter().enumerate();
        let slack = receiver.slack.iter().enumerate();
        Self {
            name: receiver.name.to_string(),
            webhooks: webhooks.map(|(at, one)| ToWebhook::of(one, &file, at)).collect(),
            emails: emails.map(|(at, one)| ToEmail::of(one, file("email", at))).collect(),
            slack: slack.map(|(at, one)| ToSlack::of(one, file("slack", at))).collect(),
        }
    }
}

#[derive(Serialize)]
struct ToWebhook {
    /// People want to know when it is over. Alertmanager says it in webhooks alone if nothing else is set.
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<Http>,
}

#[derive(Serialize)]
struct Http {
    authorization: Bearer,
}

/// A bearer token, by the file that has it.
#[derive(Serialize)]
struct Bearer {
    credentials_file: String,
}

impl ToWebhook {
    fn of(webhook: &Webhook, file: &dyn Fn(&str, usize) -> String, at: usize) -> Self {
        let bearer = || Bearer { credentials_file: file("webhook", at) };
        Self {
            send_resolved: true,
            url: webhook.address(),
            url_file: webhook.secret_url.as_ref().map(|_| file("webhook-url", at)),
            http_config: webhook.token.as_ref().map(|_| Http { authorization: bearer() }),
        }
    }
}

#[derive(Serialize)]
struct ToEmail {
    send_resolved: bool,
    to: String,
    from: String,
    smarthost: String,
    require_tls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_password_file: Option<String>,
}

impl ToEmail {
    fn of(email: &Email, file: String) -> Self {
        Self {
            send_resolved: true,
            to: email.to.join(", "),
            from: email.from.clone(),
            smarthost: email.smarthost.clone(),
            require_tls: !email.without_tls,
            auth_username: email.login.as_ref().map(|one| one.user.clone()),
            auth_password_file: email.login.as_ref().map(|_| file),
        }
    }
}

#[derive(Serialize)]
struct ToSlack {
    send_resolved: bool,
    api_url_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
}

impl ToSlack {
    fn of(slack: &Slack, file: String) -> Self {
        Self { send_resolved: true, api_url_file: file, channel: slack.channel.clone() }
    }
}
