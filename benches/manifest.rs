//! What reading a manifest costs: time and memory for a thousand to a million shots, beside what the
//! csv crate alone needs for the same file. `cargo bench --bench manifest`; with an argument, such
//! as `-- 1000000`, YAML is taken that far too (100,000 otherwise).
//!
//! Each case is a process of its own, this program again, so that its peak of memory is its own.
//! Linux only: the figures come from `/proc`.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use rushes::catalog::Catalog;
use rushes::manifest::{Reading, load};

type Failure = Box<dyn std::error::Error>;

/// Shots of the cases that show what text costs that makes no shot.
const WITH_FILLER: usize = 100_000;
/// Bytes of it beside each shot.
const FILLER: usize = 1024;

fn main() -> Result<(), Failure> {
    let typed: Vec<String> = std::env::args().skip(1).collect();
    match typed.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["plan", ..] => measured(|| {
            let done = rushes::cli::main() == ExitCode::SUCCESS;
            if done { Ok(0) } else { Err("it failed".into()) }
        }),
        ["load", path] => measured(|| shots_of(Path::new(path))),
        ["csv", path] => measured(|| records_of(Path::new(path))),
        _ => table(typed.iter().find_map(|word| word.parse().ok()).unwrap_or(WITH_FILLER)),
    }
}

/// One case: does it, and writes its figures to standard error.
fn measured(work: impl FnOnce() -> Result<usize, Failure>) -> Result<(), Failure> {
    let (began, busy) = (Instant::now(), cpu());
    let count = work()?;
    let (wall, busy) = (began.elapsed().as_secs_f64(), cpu() - busy);
    writeln!(std::io::stderr(), "{count} {wall} {busy} {}", peak())?;
    Ok(())
}

/// Reads a manifest as `rushes` does. What is made of it is never dropped: a run keeps it too.
fn shots_of(path: &Path) -> Result<usize, Failure> {
    let catalog = Catalog::builtin();
    let campaign = load(path, &Reading { catalog: &catalog, capped: None, color: false })?;
    let count = campaign.shots.len();
    std::mem::forget(campaign);
    Ok(count)
}

/// Reads a table as the csv crate does, and does nothing with it.
fn records_of(path: &Path) -> Result<usize, Failure> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut record = csv::StringRecord::new();
    let mut count = 0;
    while reader.read_record(&mut record)? {
        count += 1;
    }
    Ok(count)
}

/// CPU seconds of this process so far, where the system says so.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory this process ever held, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Every case, a line each.
fn table(most_yaml: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let bench = Bench { folder: folder.path(), empty: 0 };
    let path = bench.yaml("one.yaml", 1, 0)?;
    let bench = Bench { empty: bench.run(&["load", &path])?.peak, ..bench };
    writeln!(
        std::io::stdout(),
        "{:<34}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "",
        "shots",
        "MB",
        "wall s",
        "CPU s",
        "µs/shot",
        "peak MB",
        "B/shot",
    )?;
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        let path = bench.csv("shots.csv", count, 0, true)?;
        bench.line("CSV", count, &path, &["load", &path])?;
        bench.line("  the csv crate alone", count, &path, &["csv", &path])?;
        if count == 1_000_000 {
            bench.plan(count, &path)?;
        }
    }
    for count in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|count| *count <= most_yaml)
    {
        let path = bench.yaml("shots.yaml", count, 0)?;
        bench.line("YAML", count, &path, &["load", &path])?;
        if count == 100_000 {
            bench.plan(count, &path)?;
        }
    }
    let path = bench.yaml("filled.yaml", WITH_FILLER, FILLER)?;
    bench.line("YAML, 1 KB of comment a shot", WITH_FILLER, &path, &["load", &path])?;
    let manifest = bench.naming("rows.csv")?;
    for (what, filler) in [("CSV named by `from`", 0), ("  and 1 KB unused in each row", FILLER)] {
        let path = bench.csv("rows.csv", WITH_FILLER, filler, false)?;
        bench.line(what, WITH_FILLER, &path, &["load", &manifest])?;
        bench.line("  the csv crate alone", WITH_FILLER, &path, &["csv", &path])?;
    }
    Ok(())
}

struct Bench<'f> {
    folder: &'f Path,
    /// The peak of a manifest with one shot.
    empty: u64,
}

struct Figures {
    count: usize,
    wall: f64,
    busy: f64,
    peak: u64,
}

impl Bench<'_> {
    /// Runs a case in a process of its own.
    fn run(&self, case: &[&str]) -> Result<Figures, Failure> {
        let mut child = Command::new(std::env::current_exe()?);
        child.args(case).current_dir(self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        let output = child.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let words: Vec<&str> = said.lines().last().unwrap_or("").split(' ').collect();
        match (output.status.success(), words.as_slice()) {
            (true, [count, wall, busy, peak]) => Ok(Figures {
                count: count.parse()?,
                wall: wall.parse()?,
                busy: busy.parse()?,
                peak: peak.parse()?,
            }),
            _ => Err(format!("{case:?}: {said}").into()),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "it prints figures")]
    fn line(&self, what: &str, count: usize, file: &str, case: &[&str]) -> Result<(), Failure> {
        let figures = self.run(case)?;
        if figures.count != count && case[0] != "plan" {
            return Err(format!("{case:?}: {} of {count}", figures.count).into());
        }
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let text = mega(std::fs::metadata(file)?.len());
        let Figures { wall, busy, peak, .. } = figures;
        let each = wall * 1e6 / count as f64;
        let memory = peak.saturating_sub(self.empty) / count as u64;
        let peak = mega(peak);
        writeln!(
            std::io::stdout(),
            "{what:<34}{count:>9}{text:>9.1}{wall:>9.3}{busy:>9.2}{each:>9.2}{peak:>9.1}{memory:>9}"
        )?;
        Ok(())
    }

    /// The whole `rushes plan`.
    fn plan(&self, count: usize, path: &str) -> Result<(), Failure> {
        for format in ["text", "json"] {
            let what = format!("  plan --format {format}");
            self.line(&what, count, path, &["plan", path, "--format", format])?;
        }
        Ok(())
    }

    fn file(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> Result<String, Failure> {
        let path = self.folder.join(name);
        let mut file = BufWriter::new(File::create(&path)?);
        write(&mut file)?;
        file.flush()?;
        Ok(path.display().to_string())
    }

    /// A table of shots; `whole` ones are manifests, others are named by one.
    fn csv(&self, name: &str, count: usize, filler: usize, whole: bool) -> Result<String, Failure> {
        self.file(name, |file| {
            let model = if whole { ",model" } else { "" };
            let unused = if filler > 0 { ",notes" } else { "" };
            writeln!(file, "id{model},prompt,duration,mode{unused}")?;
            for number in 0..count {
                let model = if whole { ",kling-v3" } else { "" };
                let mode = ["std", "pro"][number % 2];
                write!(
                    file,
                    "row-{number:07}{model},\"{}\",{},{mode}",
                    prompt(number),
                    3 + number % 13
                )?;
                if filler > 0 {
                    write!(file, ",{}", "x".repeat(filler))?;
                }
                writeln!(file)?;
            }
            Ok(())
        })
    }

    fn yaml(&self, name: &str, count: usize, filler: usize) -> Result<String, Failure> {
        self.file(name, |file| {
            writeln!(file, "campaign: bench\ndefaults:\n  model: kling-v3\nshots:")?;
            for number in 0..count {
                if filler > 0 {
                    writeln!(file, "  # {}", "x".repeat(filler))?;
                }
                writeln!(file, "  - id: shot-{number:07}\n    prompt: {}", prompt(number))?;
                writeln!(file, "    duration: {}", 3 + number % 13)?;
                writeln!(file, "    mode: {}", ["std", "pro"][number % 2])?;
            }
            Ok(())
        })
    }

    /// A manifest that makes a shot of each row of a table.
    fn naming(&self, table: &str) -> Result<String, Failure> {
        self.file("from.yaml", |file| {
            writeln!(file, "defaults: {{model: kling-v3}}\nshots:\n  - {{id: r, from: {table}}}")
        })
    }
}

fn prompt(number: usize) -> String {
    format!(
        "A lighthouse on a cliff in the evening, waves below, take {number}, handheld, warm light"
    )
}
