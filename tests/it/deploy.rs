//! The examples of `examples/deploy` say what the program does: its exit codes, its flags, and how long
//! a supervisor must wait.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rushes::policy::limits::Limits;
use serde_json::Value;

use crate::sandbox::Sandbox;

/// So much longer than one request a supervisor must wait, as the README says.
const MARGIN: Duration = Duration::from_secs(10);
/// What needs a person, and must not be tried again.
const FOR_A_PERSON: [u64; 2] = [1, 2];

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Holds that the program knows all flags among these words.
fn assert_flags(words: &[&str]) {
    assert_eq!(words[0], "run");
    let help = Sandbox::new().run(["run", "--help"]).exits(0).stdout();
    for flag in words.iter().filter(|word| word.starts_with("--")) {
        assert!(help.contains(&format!("{flag} ")), "{flag} is no flag of `rushes run`");
    }
}

#[test]
fn the_systemd_unit_waits_long_enough_and_starts_again_what_may_be() {
    let unit = example("rushes.service");
    let mut section = "";
    let mut settings: HashMap<(&str, &str), &str> = HashMap::new();
    for line in unit.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        let (key, value) = line.split_once('=').unwrap();
        let before = settings.insert((section, key), value);
        assert_eq!(before, None, "{key} is said twice");
    }
    let service = |key| settings[&("Service", key)];
    let waits = Duration::from_secs(service("TimeoutStopSec").parse().unwrap());
    assert!(waits >= Limits::default().submit_timeout + MARGIN);
    assert_eq!(service("KillSignal"), "SIGTERM");
    assert_eq!(service("Restart"), "on-failure");
    let not_again: Vec<u64> =
        service("RestartPreventExitStatus").split(' ').map(|code| code.parse().unwrap()).collect();
    assert_eq!(not_again, FOR_A_PERSON);
    let words: Vec<&str> = service("ExecStart").split(' ').collect();
    assert!(words[0].ends_with("/rushes"));
    assert_flags(&words[1..]);
    assert!(settings.contains_key(&("Unit", "StartLimitBurst")), "it does not start for ever");
}

#[test]
fn the_kubernetes_job_waits_long_enough_and_replaces_what_may_be() {
    let job: Value = serde_yaml::from_str(&example("job.yaml")).unwrap();
    assert_eq!([&job["apiVersion"], &job["kind"]], ["batch/v1", "Job"]);
    let spec = &job["spec"];
    // All of them end when the campaign has; one that never began would keep the Job from its end.
    assert_eq!(spec["completions"], spec["parallelism"]);
    let rules = spec["podFailurePolicy"]["rules"].as_array().unwrap();
    assert_eq!(rules[0]["action"], "FailJob");
    assert_eq!(rules[0]["onExitCodes"]["values"], Value::from(FOR_A_PERSON.to_vec()));
    assert_eq!(rules[1]["action"], "Ignore");
    assert_eq!(rules[1]["onPodConditions"][0]["type"], "DisruptionTarget");
    let pod = &spec["template"]["spec"];
    // A failure policy is allowed with this alone.
    assert_eq!(pod["restartPolicy"], "Never");
    let grace = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
    assert!(grace >= Limits::default().submit_timeout + MARGIN);
    let container = &pod["containers"][0];
    assert_eq!(container["name"], rules[0]["onExitCodes"]["containerName"]);
    let words: Vec<&str> =
        container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_flags(&words);
    let mounted: Vec<&Value> =
        container["volumeMounts"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    let there: Vec<&Value> =
        pod["volumes"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(mounted, there);
}
