"""What the driver makes of good and bad figures, and of programs that hang."""

import io
import os
import sys
import tempfile
import time
import unittest
from unittest import mock

BENCHMARKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(BENCHMARKS, "driver"))

import compare  # noqa: E402
import curves  # noqa: E402
import data  # noqa: E402
import measurements  # noqa: E402
import parts  # noqa: E402
import run  # noqa: E402
import table  # noqa: E402
from measurements import Measurement  # noqa: E402
from rows import LIMITS, ROWS, limits_of  # noqa: E402


def measured(row, system, *values, problem=""):
    """A repetition for each value."""
    unit = (ROWS.get(row) or LIMITS[row]).unit
    return [Measurement(row, system, at, value, unit, problem, "a command") for at, value in enumerate(values, 1)]


def cells(page, row, column):
    """The cells of a row under a column's title, in each table that has it."""
    found, titles = [], []
    for line in page.splitlines():
        parts = line.strip("| ").split(" | ")
        if parts[0] == "workload":
            titles = parts
        elif parts[0] == ROWS[row].title and column in titles:
            found.append(parts[titles.index(column)])
    return found


class Figures(unittest.TestCase):
    def test_what_is_no_sensible_figure_is_a_problem_and_no_value(self):
        for text in ["nan", "NaN", "inf", "-inf", "0", "0.0", "-1", "", "abc", "1,5", None]:
            value, problem = measurements.figure(text)
            self.assertIsNone(value, text)
            self.assertTrue(problem, text)
        self.assertEqual(measurements.figure("1.5e3"), (1500.0, ""))
        self.assertEqual(measurements.figure("0.0", "idle_time"), (0.0, ""))
        self.assertIsNone(measurements.figure("-1", "idle_time")[0])

    def read(self, output, expected, problem=""):
        return [(m.row, m.value, m.problem) for m in measurements.read_lines(output, expected, "ours", 1, "c", problem)]

    def test_every_line_is_a_measurement(self):
        self.assertEqual(self.read("burst,10.5,/s\nburst,11,/s\n", ["burst"]), [("burst", 10.5, ""), ("burst", 11.0, "")])

    def test_a_row_that_was_not_printed_is_missing(self):
        found = self.read("burst,10,/s\n", ["burst", "map"])
        self.assertEqual(found, [("burst", 10.0, ""), ("map", None, "missing: nothing was printed")])

    def test_a_run_that_timed_out_keeps_what_it_printed(self):
        found = self.read("burst,10,/s\n", ["burst", "map"], "timed out after 3 s")
        self.assertEqual(found, [("burst", 10.0, ""), ("map", None, "timed out after 3 s")])

    def test_a_failure_after_the_last_figure_is_told(self):
        found = self.read("burst,10,/s\n", ["burst"], "ended with exit code 1: wrong results")
        self.assertEqual(found[1], ("burst", None, "ended with exit code 1: wrong results"))

    def test_wrong_units_unknown_rows_and_broken_figures_are_problems(self):
        self.assertEqual(self.read("burst,10,us\n", ["burst"]), [("burst", None, "the unit is 'us' instead of '/s'")])
        self.assertEqual(self.read("nonsense\nburst,1,/s\n", ["burst"])[0][2], "unexpected output: nonsense")
        self.assertEqual(self.read("burst,nan,/s\n", ["burst"])[0][1:], (None, "the figure nan makes no sense"))

    def test_what_a_pool_cannot_do_is_told_with_its_reason(self):
        found = self.read("fresh_worker,unsupported,it has none, so far\n", ["fresh_worker"])
        self.assertEqual(found, [("fresh_worker", None, "unsupported: it has none, so far")])

    def test_the_file_keeps_everything(self):
        kept = measured("burst", "ours", 1.25, 3e-7) + measured("map", "ray", None, problem='timed out, "badly"')
        file = io.StringIO(newline="")
        measurements.write_header(file)
        measurements.write(file, kept)
        self.assertEqual(measurements.read(io.StringIO(file.getvalue(), newline="")), kept)

    def test_a_broken_figure_in_the_file_is_a_problem(self):
        text = "row,system,repetition,value,unit,problem,command\nburst,ours,1,,/s,,c\nburst,ours,2,nan,/s,,c\n"
        found = measurements.read(io.StringIO(text))
        self.assertEqual([(m.value, bool(m.problem)) for m in found], [(None, True), (None, True)])



class Curves(unittest.TestCase):
    def found(self, name, x, system, *values, problem=""):
        row = curves.CURVES[name].row
        return [
            (name, x, Measurement(row, system, at, value, "/s", problem, "a command"))
            for at, value in enumerate(values, 1)
        ]

    def test_a_point_is_the_median_of_its_repetitions_in_the_curve_s_own_measure(self):
        found = self.found("pending", 10, "ours", 1e6, 2e6, 5e5) + self.found("pending", 100, "ours", 4e6)
        self.assertEqual(curves.summarise(found), {"pending": {"ours": [(10, 1.0), (100, 0.25)]}})
        # 2 × 5,000 bytes at 0.1 GB/s take 100 µs.
        self.assertEqual(curves.CURVES["payload"].y(0.1, 5_000), 100)
        self.assertEqual(curves.CURVES["chunks"].y(123, 5), 123)

    def test_what_was_not_measured_has_no_point(self):
        found = self.found("idle", 1, "ours", 10) + self.found("idle", 2, "ours", None, problem="timed out after 60 s")
        found += self.found("idle", 2, "mp-pool", 20)
        self.assertEqual(curves.summarise(found), {"idle": {"ours": [(1, 10)], "mp-pool": [(2, 20)]}})
        lines = curves.render(curves.summarise(found)).splitlines()
        self.assertIn("| ours | 10 | – |", lines)

    def test_the_point_is_the_number_of_workers_where_the_count_is_fixed(self):
        self.assertEqual(curves.CURVES["workers"].work(8, 2, False), (8, 20_000))
        self.assertEqual(curves.CURVES["workers"].work(8, 2, True), (8, 200))
        self.assertEqual(curves.CURVES["chunks"].work(8, 2, False), (2, 8))

    def test_a_line_is_a_system_or_a_size_of_chunks(self):
        systems = ["ours", "mp-pool"]
        self.assertEqual(curves.CURVES["chunks"].lines(systems), systems)
        curve = curves.CURVES["automatic"]
        self.assertEqual(curve.lines(systems)[:2], ["auto", "1"])
        options = curves.arguments(["--check"])
        shown = curves.command("auto", curve, 100, "python3", options)
        self.assertEqual(shown[1:3], ["--chunk-size", "auto"])
        self.assertEqual(shown[-1], "busy_map=100")
        self.assertNotIn("--chunk-size", curves.command("ours", curves.CURVES["chunks"], 100, "python3", options))
        found = self.found("automatic", 100, "auto", 98) + self.found("automatic", 100, "1000", 50)
        lines = curves.render(curves.summarise(found)).splitlines()
        self.assertIn("| automatic | 98 |", lines)
        self.assertIn("| 1000 in a chunk | 50 |", lines)

    def test_files_are_read_as_they_were_written(self):
        text = "curve,x,system,repetition,value,unit,problem,command\nidle,2,ours,1,20.5,us,,c\nidle,4,ours,1,,,ended,c\n"
        found = curves.read(io.StringIO(text))
        self.assertEqual([(name, x, m.value, m.problem) for name, x, m in found], [("idle", 2, 20.5, ""), ("idle", 4, None, "ended")])


class Parts(unittest.TestCase):
    def test_a_change_is_told_where_there_are_two_figures(self):
        self.assertEqual(parts.row("future: it", [1000.0, 1100.0]), "| future: it | 1,000 | 1,100 | +10.0 % |")
        self.assertEqual(parts.row("future: it", [None, 1100.0]), "| future: it | – | 1,100 | – |")
        self.assertEqual(parts.row("future: it", [1234.4]), "| future: it | 1,234 |")

    def test_arguments_that_make_no_sense_are_refused(self):
        for given in [["a", "b", "c"], ["--limit", "2"]]:
            with mock.patch("sys.stderr", io.StringIO()), self.assertRaises(SystemExit) as raised:
                parts.arguments(given)
            self.assertEqual(raised.exception.code, 2)


class Data(unittest.TestCase):
    def options(self, *words):
        return data.arguments([*words, "--workers", "2"])

    def test_sizes_have_units(self):
        self.assertEqual(self.options("--size", "64M").size, 64 << 20)
        self.assertEqual(self.options("--check").elements, 10_000)
        for text in ["0", "-1", "1T", "M", ""]:
            with self.assertRaises(SystemExit), mock.patch("sys.stderr", io.StringIO()):
                self.options("--size", text)

    def test_the_text_is_the_same_each_time_and_ends_with_a_line(self):
        contents = []
        with tempfile.TemporaryDirectory() as folder:
            for name in "ab":
                data.make_text(os.path.join(folder, name), 5_000_000)
                with open(os.path.join(folder, name), "rb") as file:
                    contents.append(file.read())
        self.assertEqual(len(contents[0]), 5_000_000)
        self.assertEqual(contents[0], contents[1])
        self.assertTrue(contents[0].endswith(b"\n"))
        self.assertGreater(len(contents[0].split()), 500_000)

    def test_an_answer_that_is_another_one_is_no_figure(self):
        measuring = data.Measuring(self.options("--repetitions", "1"))
        row = data.Row(
            "words", "words", "GB/s",
            {"ours": "echo 1 2 3", "parallel": "echo 1 1 1; echo 0 1 2", "imap": "echo 1 2 4", "c": "echo nothing", "loop": "exit 3"},
            answer=data.sums,
        )
        with mock.patch("data.say"), mock.patch("shutil.which", return_value="parallel"):
            measuring.measure(row, 1_000_000)
        problems = {one.system: one.problem for one in measuring.found}
        self.assertEqual((problems["ours"], problems["parallel"]), ("", ""))
        self.assertIn("another one", problems["imap"])
        self.assertIn("it printed 'nothing", problems["c"])
        self.assertIn("exit code 3", problems["loop"])
        self.assertTrue(all((one.value is None) == bool(one.problem) for one in measuring.found))

    def test_the_page_has_every_row_and_compares_with_the_best_of_the_others(self):
        options = self.options("--repetitions", "1")
        rows = data.rows(options, "python3", "text")
        found = [
            Measurement("words_file", system, 1, value, "GB/s", "", "a command")
            for system, value in [("ours", 1.0), ("parallel", 0.5), ("imap", 0.25), ("c", 4.0)]
        ]
        found.append(Measurement("elements_memory", "ours", 1, 20.0, "MB", "", "a command"))
        found.append(Measurement("elements_memory", "imap", 1, 30.0, "MB", "", "a command"))
        lines = data.page(data.Results(found), rows, options, []).splitlines()
        for row in rows:
            self.assertEqual(sum(line.startswith(f"| {row.title} |") for line in lines), 1, row.title)
        shown = next(line for line in lines if line.startswith("| lines, words and bytes of a file |"))
        self.assertTrue(shown.endswith("| 2 × |"), shown)
        memory = next(line for line in lines if line.startswith("| the parent's memory"))
        self.assertTrue(memory.endswith("| 1.5 × |"), memory)


class Tables(unittest.TestCase):
    def test_all_rows_are_there_and_what_was_not_printed_is_missing_never_zero(self):
        page = table.render(measured("burst", "ours", 7.0), [])
        for row in ROWS.values():
            (ours, *_) = cells(page, row.name, "ours")
            self.assertEqual(ours, "7 /s" if row.name == "burst" else "missing" if row.counts else "not there yet")
        self.assertNotRegex(page, r"\| 0[ .]")

    def test_a_system_that_was_left_out_is_not_measured(self):
        page = table.render(measured("burst", "ray", 7.0), [])
        self.assertEqual(cells(page, "burst", "ours"), ["not measured"] * 2)

    def test_a_broken_figure_shows_its_reason_in_both_tables_and_is_in_no_ratio(self):
        found = measured("burst", "ours", None, problem="the figure nan makes no sense") + measured("burst", "ray", 5.0)
        page = table.render(found, [])
        self.assertEqual(cells(page, "burst", "ours"), ["the figure nan makes no sense"] * 2)
        self.assertEqual(cells(page, "burst", "ours : best peer"), ["–"])

    def test_a_repetition_that_failed_is_told_beside_those_that_did_not(self):
        found = measured("burst", "ours", 10.0, 30.0) + measured("burst", "ours", None, problem="timed out after 3 s")
        self.assertEqual(
            cells(table.render(found, []), "burst", "ours"),
            ["20 /s; also: timed out after 3 s", "20 /s (10–30); also: timed out after 3 s"],
        )

    def test_a_repetition_counts_once_however_often_it_measured(self):
        found = measured("burst", "ours", 10.0, 20.0, 30.0) + measured("burst", "ours", 10.0) * 9
        self.assertEqual(table.summarise(found).value, 20.0)

    def test_the_best_peer_is_the_fastest_whichever_way_the_row_counts(self):
        found = measured("burst", "ray", 5.0) + measured("burst", "loky", 8.0) + measured("burst", "ours", 16.0)
        found += measured("burst", "dask", None, problem="timed out after 3 s")
        found += measured("start", "ray", 5.0) + measured("start", "loky", 8.0) + measured("start", "ours", 10.0)
        page = table.render(found, [])
        self.assertEqual(cells(page, "burst", "best peer"), ["8 /s (loky)"])
        self.assertEqual(cells(page, "burst", "ours : best peer"), ["2 ×"])
        self.assertEqual(cells(page, "start", "best peer"), ["5 ms (Ray)"])
        self.assertEqual(cells(page, "start", "ours : best peer"), ["0.5 ×"])

    def test_what_is_to_be_reached(self):
        def verdict(row, ours, limit=None):
            found = measured(row, "ours", ours) + (measured(ROWS[row].limits[0], "limits", limit) if limit else [])
            return cells(table.render(found, []), row, "reach")[0].rpartition(" – ")[2]

        self.assertEqual(verdict("burst", 1e6), "reached")
        self.assertEqual(verdict("burst", 1e6 - 1), "not reached")
        self.assertEqual(verdict("start", 8.0), "reached")
        self.assertEqual(verdict("start", 8.1), "not reached")
        self.assertEqual(verdict("round_trip_blocking", 55.0, limit=50.0), "reached")
        self.assertEqual(verdict("round_trip_blocking", 56.0, limit=50.0), "not reached")
        self.assertEqual(verdict("round_trip_blocking", 56.0), ROWS["round_trip_blocking"].reach)

    def test_numbers_keep_three_digits(self):
        shown = [table.number(value) for value in (0.01234, 1.5, 99.94, 123.4, 12345, 1234567)]
        self.assertEqual(shown, ["0.0123", "1.5", "99.9", "123", "12,300", "1,230,000"])


class Checks(unittest.TestCase):
    def setUp(self):
        self.options = compare.arguments(["--check"])
        rows = [name for name in ROWS if ROWS[name].counts]
        self.found = [m for row in rows for m in measured(row, "ours", 1.0)]
        self.found += [m for limit in limits_of(rows) for m in measured(limit, "limits", 1.0)]

    def complaints(self, found):
        return compare.complaints(found, table.render(found, []), self.options)

    def test_nothing_to_complain_of(self):
        self.assertEqual(self.complaints(self.found), [])

    def test_each_missing_figure_is_complained_of(self):
        for gone in self.found:
            wrong = self.complaints([m for m in self.found if m is not gone])
            self.assertTrue(any(gone.row in complaint for complaint in wrong), gone.row)

    def test_a_problem_beside_a_figure_is_complained_of(self):
        wrong = self.complaints(self.found + measured("burst", "ours", None, problem="ended with exit code 1"))
        self.assertEqual(wrong, ["burst, ours: ended with exit code 1"])

    def test_a_row_that_the_table_lacks_is_complained_of(self):
        page = table.render(self.found, [], rows=["burst"])
        self.assertIn(f"the table has no row '{ROWS['map'].title}'", compare.complaints(self.found, page, self.options))

    def test_unknown_options_systems_and_rows_are_refused(self):
        for given in (["--fast"], ["--systems", "raz"], ["--rows", "bursts"], ["more"], ["--quick", "--check"]):
            with self.subTest(given), mock.patch("sys.stderr", io.StringIO()), self.assertRaises(SystemExit) as refused:
                compare.arguments(given)
            self.assertEqual(refused.exception.code, 2)


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run.adopt_orphans()

    def python(self, program, timeout=20.0):
        return run.run([sys.executable, "-c", program], timeout, BENCHMARKS)

    def test_output_and_last_words(self):
        self.assertEqual(self.python("print('a line')")[:2], ("a line\n", ""))
        output, problem, _ = self.python("import sys; print('one'); sys.exit('it broke')")
        self.assertEqual((output, problem), ("one\n", "ended with exit code 1: it broke"))
        self.assertEqual(self.python("import os; os.kill(os.getpid(), 9)")[1], "ended by signal 9")
        self.assertTrue(run.run(["/no/such/program"], 1, BENCHMARKS)[1].startswith("failed: "))

    def test_a_program_that_hangs_is_ended_with_all_that_it_started(self):
        program = (
            "import subprocess, sys, time\n"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'], start_new_session=True)\n"
            "print('started', flush=True)\ntime.sleep(100)"
        )
        begin = time.monotonic()
        output, problem, seconds = self.python(program, 1.0)
        self.assertEqual((output, problem), ("started\n", "timed out after 1 s"))
        self.assertTrue(1 <= seconds < 20)
        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual(run.descendants(), [])

    def test_every_row_of_the_peers_program_on_a_pool_that_comes_with_python(self):
        rows = [name for name in ROWS if ROWS[name].counts]
        works = [f"{row}={ROWS[row].counts['check']}" for row in rows]
        command = [sys.executable, "peers/bench.py", "--system", "mp-pool", "--workers", "2", *works]
        output, problem, _ = run.run(command, 60, BENCHMARKS)
        found = measurements.read_lines(output, rows, "mp-pool", 1, "", problem)
        # It forks.
        self.assertEqual([m.row for m in found if m.value is None], ["spawned_worker"])


if __name__ == "__main__":
    unittest.main()
