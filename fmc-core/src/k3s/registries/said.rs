//! Registries as settings of a cluster: their check, and their Rust expression.
//!
//! Their check is [`Registries::check`], which covers mirrors and access as a whole.

use super::{Access, Auth, Mirror, Registries};
use crate::draft::{Look, Setting};
use crate::finding::At;
use crate::rust::{Expr, Names, Unsaid};

impl Setting for Registries {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.check(at, look.findings);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::new("k3s::registries::Registries::new()");
        self.say_settings(&mut on, &[], names)?;
        Ok(on)
    }
}

impl Setting for Mirror {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.check(at, look.findings);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("k3s::registries::Mirror::of", vec![self.registry.rust(names)?]);
        self.say_settings(&mut on, &[], names)?;
        Ok(on)
    }
}

impl Setting for Access {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.check(at, look.findings);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("k3s::registries::Access::to", vec![self.host.rust(names)?]);
        match (&self.cert_file, &self.key_file) {
            (None, None) => {}
            (Some(cert), Some(key)) => {
                on.call("certificate", format!("{}, {}", cert.rust(names)?.line(), key.rust(names)?.line()));
            }
            _ => return Err("one of `cert_file` and `key_file`, which one setter takes".to_owned()),
        }
        self.say_settings(&mut on, &["cert_file", "key_file"], names)?;
        Ok(on)
    }
}

impl Setting for Auth {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        match self {
            Self::User { name, password } => {
                let at = at.key("user");
                name.look(&at.key("name"), look);
                password.look(&at.key("password"), look);
            }
            Self::Token(token) => token.look(&at.key("token"), look),
        }
    }

    /// No setter takes one: that of its kind takes its parts.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("the credentials of a registry by themselves".to_owned())
    }

    fn say(&self, _: &str, access: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        match self {
            Self::User { name, password } => access
                .call("password", format!("{}, {}", name.rust(names)?.line(), password.rust(names)?.line())),
            Self::Token(token) => access.nest("token", token.rust(names)?),
        }
        Ok(())
    }
}
