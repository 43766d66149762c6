//! What a spreadsheet or an editor writes differently and means the same is not bought anew; what
//! vanishes while something like it comes is told before it is bought.

use crate::sandbox::Sandbox;

/// A campaign whose table was rendered on the simulator.
fn rendered(table: &str) -> Sandbox {
    let sandbox = Sandbox::new().file("spots.csv", table);
    sandbox.run(["run", "spots.csv", "--sim", "--rate", "100/s"]).exits(0);
    sandbox
}

/// Another text of the table.
fn edited(sandbox: &Sandbox, table: &str) {
    std::fs::write(sandbox.path("spots.csv"), table).unwrap();
}

#[test]
fn field_22_35_another_spelling_of_the_same_is_done() {
    let table = "id,model,prompt,aspect_ratio\na,kling-v3,\"A b\u{e9}ach\nat dawn\",09:16\n";
    let sandbox = rendered(table);
    let same = [
        table.replace("09:16", "9:16"),
        table.replace("\nat", "\r\nat"),
        table.replace("\nat", "\rat"),
        table.replace('\u{e9}', "e\u{301}"),
    ];
    for text in same {
        edited(&sandbox, &text);
        sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).says("nothing to buy");
    }
    edited(&sandbox, &table.replace("dawn", "dusk"));
    sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).says("1 to render");
}

/// A table without ids, of two rows, that was rendered.
const NAMELESS: &str = "model,prompt,aspect_ratio\n\
                        kling-v3,\"A b\u{e9}ach\nat dawn\",09:16\nkling-v3,Rain,1:1\n";

#[test]
fn field_35_a_row_without_an_id_keeps_it_in_another_spelling() {
    let sandbox = rendered(NAMELESS);
    let report = || {
        let report = sandbox.run(["report", "spots.csv", "--sim", "--format", "json"]);
        let report = report.exits(0).stdout_json();
        (report["money"]["spent"].clone(), report["counts"]["delivered"].clone())
    };
    let before = report();
    let same = [
        NAMELESS.replace("\nat", "\r\nat"),
        NAMELESS.replace("\nat", "\rat"),
        NAMELESS.replace('\n', "\r\n"),
        NAMELESS.replace('\u{e9}', "e\u{301}"),
        NAMELESS.replace("09:16", "9:16"),
        NAMELESS.replace('\u{e9}', "e\u{301}").replace("09:16", "9:16").replace('\n', "\r\n"),
    ];
    for text in &same {
        edited(&sandbox, text);
        let plan = sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).warns_of_nothing();
        plan.says("2 shots: 2 done").says("nothing to buy");
        sandbox.run(["run", "spots.csv", "--sim", "--rate", "100/s"]).exits(0);
        assert_eq!(report(), before, "{text}");
    }
    // A row of its own beside it is new, in whatever spelling.
    let both = format!("{NAMELESS}kling-v3,\"A b\u{e9}ach\r\nat dawn\",09:16\n");
    edited(&sandbox, &both);
    sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).says("3 shots: 1 to render, 2 done");
    edited(&sandbox, &NAMELESS.replace("dawn", "dusk"));
    sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).says("2 shots: 1 to render, 1 done");
}

#[test]
fn field_35_takes_and_a_matrix_of_such_a_row_keep_their_ids_too() {
    let manifest = "campaign: spots\nlimits: {rate: 100/s, poll_every: 100ms, poll_rate: 100/s}\nshots:\n  - id: spot\n    model: kling-v3\n    \
                    prompt: '{{ text }} {{ time }}'\n    from: t.csv\n    takes: 2\n    \
                    matrix: {time: [dawn, dusk]}\n";
    let table = "text\n\"A beach\nfrom above\"\n";
    let sandbox = Sandbox::new().file("spots.yaml", manifest).file("t.csv", table);
    sandbox.run(["run", "spots.yaml", "--sim"]).exits(0);
    std::fs::write(sandbox.path("t.csv"), table.replace("\nfrom", "\r\nfrom")).unwrap();
    let plan = sandbox.run(["plan", "spots.yaml", "--sim"]).exits(0);
    plan.says("4 shots: 4 done").says("nothing to buy");
}

#[test]
fn field_22_a_date_for_an_id_is_told_by_plan_and_run() {
    let sandbox = rendered("id,model,prompt\nmar-1,kling-v3,A beach\n");
    edited(&sandbox, "id,model,prompt\n1-Mar,kling-v3,A beach\n");
    let told = "the shot 1-Mar is new, and mar-1, which was bought, is gone";
    sandbox.run(["plan", "spots.csv", "--sim"]).exits(0).warns(told);
    sandbox.run(["run", "spots.csv", "--sim", "--rate", "100/s"]).exits(0).warns(told);
}

#[test]
fn field_45_clips_of_ids_that_fold_together_have_names_of_their_own() {
    let sandbox = rendered("id,model,prompt\nstraße,kling-v3,A\nSTRASSE,kling-v3,B\n");
    let report = sandbox.run(["report", "spots.csv", "--sim", "--format", "json"]).exits(0);
    let report = report.stdout_json();
    let file = |at: usize| report["shots"][at]["files"][0].as_str().unwrap().to_owned();
    assert_eq!(file(0), "clips/straße.mp4");
    assert_eq!(file(1), "clips/STRASSE~STRASSE.mp4");
}

#[test]
fn field_45_a_catalog_that_never_ends_is_refused() {
    let sandbox = Sandbox::new().file("spots.csv", "id,model,prompt\na,kling-v3,A\n");
    let plan = ["plan", "spots.csv", "--catalog", "/dev/zero"];
    sandbox.run(plan).exits(2).warns("the catalog /dev/zero is bigger than 16 MB");
}
