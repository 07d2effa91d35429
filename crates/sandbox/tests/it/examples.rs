//! The committed programs of `examples/`, on both engines, against their recorded digests.
//!
//! `examples/build --check` compares a native build of the same sources with the same digests.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tallystick_sandbox::wasm::{
    Cancellation, Failure, FailureKind, Job, Sandbox, SandboxConfig, Success, interpret, prepare,
};

/// One committed program, and an engine for it.
struct Example {
    name: &'static str,
    folder: PathBuf,
    module: Vec<u8>,
    sandbox: Sandbox,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

impl Example {
    fn open(name: &'static str) -> Self {
        let folder = folder().join(name);
        let module = fs::read(folder.join(format!("{name}.wasm"))).expect("the module is there");
        let sandbox = Sandbox::new(SandboxConfig::default()).expect("the defaults are valid");
        Self { name, folder, module, sandbox }
    }

    fn job(&self, stdin: &[u8], arguments: &[&str]) -> Job {
        let args = [self.name].iter().chain(arguments).map(|&text| text.to_owned()).collect();
        Job { stdin: stdin.to_vec(), args, ..Job::default() }
    }

    fn run(&self, stdin: &[u8], arguments: &[&str]) -> Result<Success, Failure> {
        let job = self.job(stdin, arguments);
        self.sandbox.run(&self.module, &job, &Cancellation::default())
    }

    fn output(&self, stdin: &[u8], arguments: &[&str]) -> Vec<u8> {
        self.run(stdin, arguments).expect("the example runs").stdout
    }

    fn interpreted(&self, stdin: &[u8], arguments: &[&str]) -> Result<Success, Failure> {
        let program = prepare(&self.module).expect("the module is within the profile");
        interpret(&program, &self.job(stdin, arguments))
    }

    fn input(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("input").join(file)).expect("the input");
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    /// The standard input that a line of `expected.txt` names.
    fn stdin(&self, source: &str) -> Vec<u8> {
        let number = |text: &str| text.parse::<usize>().expect("digits");
        let parts: Vec<&str> = source.split(':').collect();
        match parts[..] {
            ["tile", tile] => format!("{}\n", tile.replace(',', " ")).into_bytes(),
            ["lines", file, range] => {
                let (first, last) = range.split_once(',').expect("first,last");
                self.input(file)[number(first) - 1..number(last)].concat().into_bytes()
            }
            // The joined outputs of the program itself over slices of so many lines.
            ["counts", file, lines] => {
                let input = self.input(file);
                let slices = input.chunks(number(lines));
                slices.flat_map(|slice| self.output(slice.concat().as_bytes(), &[])).collect()
            }
            _ => unreachable!("{}: no kind of input is called {source}", self.name),
        }
    }

    /// Every line of `expected.txt`: both engines agree with each other and with the digest.
    fn check(&self) {
        let text = fs::read_to_string(self.folder.join("expected.txt")).expect("the digests");
        let cases: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(!cases.is_empty(), "{} has no case", self.name);
        for case in cases {
            let words: Vec<&str> = case.split(' ').collect();
            let (stdin, arguments) = (self.stdin(words[1]), &words[2..]);
            let success = self.run(&stdin, arguments).expect(case);
            assert_eq!(hexadecimal(&success.stdout_digest), words[0], "{}: {case}", self.name);
            assert_eq!(self.interpreted(&stdin, arguments), Ok(success), "{}: {case}", self.name);
        }
    }

    /// The program ends with code 1 and the sentence, on both engines.
    fn refuses(&self, stdin: &[u8], arguments: &[&str], sentence: &str) {
        let failure = self.run(stdin, arguments).expect_err(sentence);
        assert_eq!(failure.kind, FailureKind::Exit(1), "{sentence}");
        let stderr = String::from_utf8_lossy(&failure.stderr);
        assert_eq!(stderr, format!("{}: {sentence}\n", self.name));
        assert_eq!(self.interpreted(stdin, arguments), Err(failure));
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes any text");
        text
    })
}

#[test]
fn every_folder_with_a_program_is_tested_here() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a name in UTF-8"))
        .collect();
    names.sort();
    let tested = ["json-lines", "mandelbrot", "primes", "raytrace", "word-frequencies"];
    assert_eq!(names, tested);
}

#[test]
fn the_mandelbrot_set_is_as_recorded() {
    Example::open("mandelbrot").check();
}

#[test]
fn the_traced_spheres_are_as_recorded() {
    Example::open("raytrace").check();
}

#[test]
fn the_frequencies_of_words_are_as_recorded() {
    Example::open("word-frequencies").check();
}

#[test]
fn the_sums_of_primes_are_as_recorded() {
    Example::open("primes").check();
}

#[test]
fn the_found_lines_of_the_log_are_as_recorded() {
    Example::open("json-lines").check();
}

/// Renders a picture tile by tile, puts the tiles where they belong, and compares with one run.
fn joined_tiles_are_the_picture(name: &'static str, arguments: &[&str]) {
    let example = Example::open(name);
    let (width, height, tile_width, tile_height) = (48, 30, 16, 10);
    let mut joined = vec![0; width * height * 3];
    for y in (0..height).step_by(tile_height) {
        for x in (0..width).step_by(tile_width) {
            let line = format!("{x} {y} {tile_width} {tile_height}\n");
            let tile = example.output(line.as_bytes(), arguments);
            assert_eq!(tile.len(), tile_width * tile_height * 3);
            for (row, pixels) in tile.chunks(tile_width * 3).enumerate() {
                let start = ((y + row) * width + x) * 3;
                joined[start..start + pixels.len()].copy_from_slice(pixels);
            }
        }
    }
    let whole = format!("0 0 {width} {height}\n");
    assert_eq!(joined, example.output(whole.as_bytes(), arguments));
}

#[test]
fn the_joined_tiles_of_the_mandelbrot_set_are_the_picture() {
    let arguments = ["48", "30", "-0.743643887", "0.131825904", "0.006", "500"];
    joined_tiles_are_the_picture("mandelbrot", &arguments);
}

#[test]
fn the_joined_tiles_of_the_traced_spheres_are_the_picture() {
    joined_tiles_are_the_picture("raytrace", &["48", "30", "4"]);
}

#[test]
fn the_primes_below_a_hundred_million_have_the_known_count_and_sum() {
    let example = Example::open("primes");
    let input = example.input("below-hundred-million.txt").concat();
    let output = example.output(input.as_bytes(), &[]);
    let (mut count, mut sum) = (0, 0);
    for line in std::str::from_utf8(&output).expect("digits").lines() {
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        count += numbers[2];
        sum += numbers[3];
    }
    assert_eq!((count, sum), (5_761_455, 279_209_790_387_276));
}

#[test]
fn counting_slices_and_reducing_equals_counting_the_whole() {
    let example = Example::open("word-frequencies");
    let whole = example.input("poems.txt").concat();
    let counts = example.output(whole.as_bytes(), &[]);
    let reduced = example.output(&counts, &["reduce"]);
    assert_eq!(reduced, example.output(&example.stdin("counts:poems.txt:16"), &["reduce"]));
    let counts = String::from_utf8(counts).expect("UTF-8 stays UTF-8");
    assert!(counts.contains("\ntöchter\t3\n"), "{counts}");
}

#[test]
fn bad_arguments_and_bad_input_are_refused_with_a_sentence() {
    let mandelbrot = Example::open("mandelbrot");
    let view = ["48", "27", "-0.5", "0", "3", "10"];
    let arguments =
        "six arguments are needed: width height centre-x centre-y view-width iterations";
    mandelbrot.refuses(b"0 0 1 1\n", &[], arguments);
    mandelbrot.refuses(b"", &view, "standard input must be one line: x y width height");
    mandelbrot.refuses(b"40 0 9 1\n", &view, "the tile must lie within the picture");
    let raytrace = Example::open("raytrace");
    raytrace.refuses(b"0 0 1 1\n", &["48", "27", "0"], "samples: 1 to 4096");
    let words = Example::open("word-frequencies");
    words.refuses(b"", &["map"], "the only argument is: reduce");
    words.refuses(b"a\t1\nb 2\n", &["reduce"], "line 2: not a word, a tab and a count");
    let primes = Example::open("primes");
    primes.refuses(b"1 2\n5 4\n", &[], "line 2: to must be from 0 to 9999999 above from");
    let json = Example::open("json-lines");
    json.refuses(b"{}\n", &["level"], "two arguments are needed: field value");
    json.refuses(b"{}\n[1]\n", &["a", "1"], "line 2: not a JSON object");
    let deepest = format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64));
    json.refuses(deepest.as_bytes(), &["a", "1"], "line 1: nested deeper than 64");
    let allowed = format!("{}1{}", "{\"a\":".repeat(63), "}".repeat(63));
    assert_eq!(json.output(allowed.as_bytes(), &["a", "1"]), b"");
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    json.refuses(deep.as_bytes(), &["a", "1"], "line 1: nested deeper than 64");
}

#[test]
fn a_slice_above_the_memory_of_the_module_is_refused_with_a_sentence() {
    let sentence = "the slice is too large for this program; split the input into smaller ones";
    Example::open("word-frequencies").refuses(&vec![b' '; 40 << 20], &[], sentence);
}
