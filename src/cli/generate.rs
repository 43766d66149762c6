//! What makes typing easier: the manifest's schema, shell completions, the manual page.

use std::io::Write;

use clap::CommandFactory;

use crate::catalog::Catalog;
use crate::manifest;

use super::args::Cli;
use super::error::CliError;

/// Prints the manifest's JSON Schema.
pub fn schema(out: &mut dyn Write) -> Result<(), CliError> {
    Ok(out.write_all(schema_text()?.as_bytes())?)
}

/// The manifest's JSON Schema.
pub fn schema_text() -> Result<String, CliError> {
    let schema = manifest::schema::schema(&Catalog::builtin());
    let text = serde_json::to_string_pretty(&schema).map_err(CliError::new)?;
    Ok(text + "\n")
}

/// Prints a shell's completions.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn Write) -> Result<(), CliError> {
    // clap_complete panics when its writer fails; a buffer never does.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rushes", &mut text);
    Ok(out.write_all(&text)?)
}

/// Prints the manual page: the program, then every command with its flags.
pub fn man(out: &mut dyn Write) -> Result<(), CliError> {
    let mut cli = Cli::command();
    cli.build();
    let page = clap_mangen::Man::new(cli.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    examples(&cli, out)?;
    for command in cli.get_subcommands().filter(|command| command.get_name() != "help") {
        writeln!(out, ".SH \"COMMAND: {}\"", command.get_name().to_uppercase())?;
        let page = clap_mangen::Man::new(command.clone());
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        page.render_options_section(out)?;
        examples(command, out)?;
    }
    Ok(())
}

/// What stands below a command's flags in its help: EXAMPLES, where lines are kept as they are, and
/// NOTES.
fn examples(command: &clap::Command, out: &mut dyn Write) -> Result<(), CliError> {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut last = None;
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let is_example = paragraph.lines().any(|line| line.starts_with("  "));
        if last == Some(is_example) {
            writeln!(out, ".PP")?;
        } else {
            writeln!(out, ".SH {}", if is_example { "EXAMPLES" } else { "NOTES" })?;
        }
        last = Some(is_example);
        let lines = paragraph.strip_prefix("Examples:\n").unwrap_or(paragraph);
        writeln!(out, ".nf\n{}\n.fi", roff(lines))?;
    }
    Ok(())
}

/// Lines as a manual page takes them: what has a meaning there has none.
fn roff(lines: &str) -> String {
    let lines = lines.lines().map(|line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}
