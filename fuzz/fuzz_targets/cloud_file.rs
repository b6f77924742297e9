//! Any bytes as a cloud's file, in every syntax: nothing panics, every mistake has its place in the text, and
//! a cloud that was read is written and read again as the same. The fuzzer's own limits bound time and
//! memory.

#![no_main]

use fmc::Cloud;
use fmc::file::{self, FileError, Source, Syntax};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for syntax in [Syntax::Yaml, Syntax::Toml, Syntax::Json] {
        let Ok(source) = Source::new(bytes, syntax) else { continue };
        assert_eq!(source.covered(true).len(), source.text().len(), "stars take the place of what they cover");
        match source.cloud() {
            Ok(cloud) => read(&source, &cloud),
            Err(FileError::Read(mistakes)) => {
                for mistake in mistakes.iter() {
                    let span = mistake.span();
                    assert!(source.text().get(span).is_some(), "{mistake} is in the text");
                    assert_eq!((mistake.line(), mistake.column()), source.lines().place(mistake.span().start));
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
});

fn read(source: &Source, cloud: &Cloud) {
    let findings = match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.into_findings(),
    };
    let places = source.places();
    for finding in &findings {
        assert!(source.text().get(places.place(finding.at())).is_some(), "{finding} is in the text");
    }
    let written = |result: Result<String, FileError>| result.unwrap_or_else(|error| panic!("{error}"));
    let again = |result: Result<Cloud, FileError>| result.unwrap_or_else(|error| panic!("{error}"));
    let json = written(file::to_json(cloud));
    // A pasted private key is not kept, so two clouds may differ whose texts are equal.
    assert_eq!(written(file::to_json(&again(file::from_json(&json)))), json);
    assert_eq!(written(file::to_json(&again(file::from_yaml(&written(file::to_yaml(cloud)))))), json);
    assert_eq!(written(file::to_json(&again(file::from_toml(&written(file::to_toml(cloud)))))), json);
    let _ = file::to_rust(cloud);
}
