use proptest::prelude::*;

use super::*;
use crate::given::Given;
use crate::given::tests::{reads_back, refused_or_reads_back};

const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCl0zfH+G2H3O+LiZACBdyQYzc/T8BiTm9D0HKydO6tqBh2Gh9Zkze1rv13LlsvJuo5ervEIyv3+NwS3NB7ZqiQmBhWN2p4v1oCW0jQtGYzprqSJAoCe9yP6VduAmjLBAh2H2mIFEZJBVO65xtKSDYTzBu3mTEIefI3s598GpRxVRqEWCJmdhXAio6R5dqZlKGTeUpe2Qi5sej2AA1fO/jKKWHxRyeK5SiNaCgvZRWt6suIjDymCfkCPyOwUYTJKEuTQkZ/665pmdM9nCX412zWO3ane2MLmN6YYEPnjJOrxH3XSIY/w0yHJiVu+HrRycMtq/gnd3tYKn4AmMqkf8Rz ops@first";
const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC6x85HKqvnUMDEOs25Oj0vBZHfGNJf7iE2AMFDRlMLKUGcEsQ06y2efYtD294lVd9/KNsw9W5Kb9EIQICA6H0a/DtesJn9Qoi8MzBfTvaRKIhV/CsO7Jqn16NFZxO44SRYbosjQ91t/I6d1MKCWHo3VTaFIkO7SNnfUEa72fr2zw== ops@first";
const P256: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOR/AlrmL3krGbecWX/2KRMqweym9A/Ai6gQbbOcrXVqZk5brRah2zABkFmpFwS3F3G5kYhV28sMO5DVmBZxdZ0= ops@first";
const P384: &str = "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBA0VQ12+fNoAGCH1PeaW1AcZWsLNpNk467HgP65MjNh64F+e0TLDUumFpWzR9+/vn6i3YSzmYBd97SHSqbIaYOmihlo+wDztXawE5deyzHGeZFJXVSq2xC7YeBIo/Gmudg== ops@first";
const P521: &str = "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABQqHw5zXJnHxypwWrsnUJwlgTW8tIy9w/nI/F47iAN0TaoHQsucEcaX+ax2YXGoFDXnEEdOykT5efMw27YC63ewwDe11q2Ne5rligT5dwtikHmIzNy1OdGin5lILiDSTMqrcd8TZhGruq1wkouWtwZSKydy3pm1xFDpj4yA073uwPqFw== ops@first";

/// A line made of an algorithm and the strings of its key.
fn line(algorithm: &str, strings: &[&[u8]]) -> String {
    let mut blob = Vec::new();
    for string in [&[algorithm.as_bytes()], strings].concat() {
        blob.extend(u32::try_from(string.len()).unwrap().to_be_bytes());
        blob.extend(string);
    }
    format!("{algorithm} {}", STANDARD.encode(blob))
}

#[test]
fn keys_that_ssh_keygen_made() {
    for text in [SshKey::EXAMPLE, RSA_2048, P256, P384, P521] {
        let key = SshKey::parse(&format!("# a comment\n\n {text}\n")).unwrap();
        assert_eq!(key.as_str(), text);
        assert_eq!(format!("{} {} {}", key.algorithm(), key.base64(), key.comment().unwrap()), text);
    }
}

#[test]
fn keys_on_a_token() {
    let point = [&[4_u8][..], &[7; 64]].concat();
    let ed25519 = line("sk-ssh-ed25519@openssh.com", &[&[7; 32], b"ssh:"]);
    let ecdsa = line("sk-ecdsa-sha2-nistp256@openssh.com", &[b"nistp256", &point, b"ssh:"]);
    for text in [ed25519, ecdsa] {
        let key = SshKey::parse(&text).unwrap();
        assert_eq!((key.as_str(), key.comment()), (text.as_str(), None));
    }
}

#[test]
fn what_is_refused_and_why() {
    let (body, _) = SshKey::EXAMPLE.rsplit_once(' ').unwrap();
    let ed25519 = |strings: &[&[u8]]| line("ssh-ed25519", strings);
    let cases = [
        (String::new(), "it is empty"),
        ("\n# only a comment\n".to_owned(), "it is empty"),
        ("ssh-ed25519".to_owned(), "the key ends too early"),
        ("~/.ssh/id_ed25519.pub".to_owned(), "it does not begin with an algorithm"),
        ("ssh-ed448 AAAA".to_owned(), "it does not begin with an algorithm"),
        (format!("no-pty {body}"), "it has options before the key"),
        (format!("command=\"a b\" {body}"), "it has options before the key"),
        (line("ssh-dss", &[&[7; 128]]), "it is a DSA key"),
        (line("ssh-ed25519-cert-v01@openssh.com", &[&[7; 32]]), "it is a certificate"),
        (body[..body.len() - 4].to_owned(), "the key ends too early"),
        (body[..body.len() - 1].to_owned(), "its second part is not base64"),
        (format!("{}*", &body[..body.len() - 1]), "its second part is not base64"),
        (body.replace("ssh-ed25519", "ssh-rsa"), "it says ssh-rsa, but the key inside is of \"ssh-ed25519\""),
        (P256.replace("nistp256", "nistp384"), "it says ecdsa-sha2-nistp384, but"),
        (line("ecdsa-sha2-nistp256", &[b"nistp384", &[4; 65]]), "it says nistp256, but the key inside is on"),
        (line("ecdsa-sha2-nistp256", &[b"nistp256", &[2; 33]]), "the key is not a point of nistp256"),
        (ed25519(&[&[7; 31]]), "the key has 31 bytes, not 32"),
        (ed25519(&[&[7; 32], b"more"]), "the key has bytes after its end"),
        (line("ssh-rsa", &[&[1, 0, 1], &[0x81; 256]]), "the key's numbers are not well formed"),
        (line("ssh-rsa", &[&[], &[0x71; 256]]), "the key's numbers are not well formed"),
        (line("ssh-rsa", &[&[1, 0, 1], &[0x71; 4096]]), "it is an RSA key of 32767 bits"),
        (RSA_1024.to_owned(), "it is an RSA key of 1024 bits"),
        (format!("{body} a\u{7}b"), "its comment has a control character"),
        (format!("{body}\n{P256}"), "it has more than one line"),
        (
            "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----".to_owned(),
            "it is not in OpenSSH's form",
        ),
    ];
    for (text, why) in cases {
        let error = SshKey::parse(&text).unwrap_err();
        assert!(error.why().starts_with(why), "{text:?}: {error}");
    }
}

#[test]
fn a_private_key_is_never_shown() {
    let secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
    for text in [
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{secret}\n-----END OPENSSH PRIVATE KEY-----\n"),
        format!("-----BEGIN RSA PRIVATE KEY----- {secret}"),
        format!("PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{secret}"),
        format!("b3BlbnNzaC1rZXktdjEAAAA{secret}"),
        format!("MIIEow{secret}"),
        format!("{secret}\n{secret}"),
        secret.to_owned(),
    ] {
        let given = Given::<SshKey>::from(&text);
        assert!(given.wrong().is_some());
        let shown = format!("{given:?} {given} {}", serde_json::to_string(&given).unwrap());
        assert!(!shown.contains(&secret[..16]), "{shown}");
        let error = serde_json::from_value::<SshKey>(text.into()).unwrap_err().to_string();
        assert!(!error.contains(&secret[..16]), "{error}");
    }
}

proptest! {
    #[test]
    fn text_reads_back(key: [u8; 32], comment in "([!-~]([ -~]{0,20}[!-~])?)?") {
        let text = format!("{} {comment}", line("ssh-ed25519", &[&key]));
        let key = SshKey::parse(&text).unwrap();
        prop_assert_eq!(key.comment().unwrap_or_default(), comment);
        reads_back(&key);
    }

    #[test]
    fn bytes_of_any_kind_never_panic(blob: Vec<u8>, strings: Vec<Vec<u8>>, text in "\\PC*") {
        for algorithm in ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com"] {
            let strings: Vec<&[u8]> = strings.iter().map(Vec::as_slice).collect();
            for text in [&format!("{algorithm} {}", STANDARD.encode(&blob)), &line(algorithm, &strings), &text] {
                refused_or_reads_back::<SshKey>(text);
            }
        }
    }
}
