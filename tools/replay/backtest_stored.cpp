#include "replay/backtest_stored.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "actors/backtest/backtest_plan.hpp"
#include "http/text/backtest_json.hpp"
#include "http/text/backtest_text.hpp"
#include "inspect/data_directory.hpp"
#include "replay/progress.hpp"
#include "storage/corrections/correction_store.hpp"
#include "storage/streams/machine_watch_store.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory::replay {

namespace {

std::int64_t clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/// Draws the share that is done until it goes.
class drawn_share {
 public:
  drawn_share(backtest_progress& of, const std::atomic<bool>& stop)
      : thread_([&of, &stop](const std::stop_token& ends) {
          constexpr std::uint64_t whole = 1'000;
          progress bar;
          while (!ends.stop_requested()) {
            if (stop) of.cancelled = true;
            bar.draw("backtest", static_cast<std::uint64_t>(of.share * whole), whole, of.readings);
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
          }
        }) {}

 private:
  std::jthread thread_;
};

/// What is to be tried: of a file, or nothing. Times of the command line go before those of the file.
expected<backtest_request> asked_of(const options& how, const data_directory& from,
                                    const std::vector<pipeline_entry>& pipelines) {
  backtest_request asked;
  if (!how.drafts.empty()) {
    std::ifstream file(how.drafts, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file) return fail(errc::not_found, how.drafts + " cannot be read");
    auto read = read_backtest(text, {from.entities, pipelines});
    if (!read) return fail(read.error().code, how.drafts + ": " + read.error().message);
    asked = std::move(*read);
  }
  if (how.from_us != min_event_time_us) asked.range.begin_us = how.from_us;
  if (how.to_us != max_event_time_us) asked.range.end_us = how.to_us;
  return asked;
}

expected<told_backtest> told(const backtest_spec& spec, const row_reader& read, const sensor_names& names,
                             const std::atomic<bool>& stop) {
  backtest_progress progress;
  expected<backtest_result> came;
  {
    const drawn_share drawn(progress, stop);
    came = run_backtest(spec, read, progress);
  }
  if (!came) return tl::unexpected(std::move(came.error()));
  json_writer out;
  write_json(out, *came, names);
  auto page = backtest_html(*came, names);
  return told_backtest{std::move(*came), out.text(), std::move(page)};
}

}  // namespace

expected<told_backtest> run_stored_backtest(const options& how, const std::atomic<bool>& stop) {
  const auto from = data_directory::open(how.data_dir, data_directory::access::read);
  if (!from) return tl::unexpected(from.error());
  auto all = (*from)->cuts();
  if (!all) return tl::unexpected(std::move(all.error()));
  correction_store corrections(*(*from)->db);
  if (auto loaded = corrections.load(); !loaded) return tl::unexpected(std::move(loaded.error()));
  std::map<sensor_id, sensor_cut> cuts;
  for (auto& each : *all) {
    each.corrections = corrections.overlay_of(each.sensor);
    cuts.emplace(each.sensor, std::move(each));
  }
  pipeline_store pipelines(*(*from)->db);
  machine_watch_store watches(*(*from)->db);
  for (auto loaded : {pipelines.load(), watches.load()})
    if (!loaded) return tl::unexpected(std::move(loaded.error()));
  const auto copied = [&]() -> expected<std::unique_ptr<catalog>> {
    auto copy = std::make_unique<catalog>(*(*from)->db);
    if (auto loaded = copy->load(); !loaded) return tl::unexpected(std::move(loaded.error()));
    return copy;
  };
  const auto in_force = pipelines.all();
  const auto asked = asked_of(how, **from, in_force);
  if (!asked) return tl::unexpected(asked.error());
  auto spec = plan_backtest(*asked, {(*from)->entities, (*from)->events, in_force, watches.all(), copied}, {}, clock_us());
  if (!spec) return tl::unexpected(std::move(spec.error()));
  spec->threads = std::max(1U, std::thread::hardware_concurrency());
  const auto read = [&](sensor_id sensor, const time_range& range, std::size_t about, bool descending) {
    return (*from)->series.read_on(cuts.at(sensor), range, about, descending);
  };
  return told(
      *spec, read, [&](sensor_id sensor) { return (*from)->name_of(sensor); }, stop);
}

expected<told_backtest> run_backtest_of(const std::vector<reading_run>& series, const std::vector<std::string>& names,
                                        const time_range& range, const std::atomic<bool>& stop) {
  backtest_spec spec;
  spec.range = range;
  spec.now_us = clock_us();
  spec.threads = std::max(1U, std::thread::hardware_concurrency());
  for (sensor_id sensor = 1; sensor <= series.size(); ++sensor) spec.sensors.push_back({{sensor, {}, {}, stream_rules()}});
  const auto read = [&](sensor_id sensor, const time_range& of, std::size_t about, bool descending) -> expected<reading_run> {
    const auto& all = series[sensor - 1];
    const auto place = [&](std::int64_t time_us) {
      return static_cast<std::size_t>(std::ranges::lower_bound(all.event_time_us, time_us) - all.event_time_us.begin());
    };
    const auto begin = place(of.begin_us), end = std::max(begin, place(of.end_us)), count = std::min(about, end - begin);
    reading_run out;
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = descending ? end - 1 - i : begin + i;
      out.push_back(all.event_time_us[row], all.value[row], all.flags[row]);
    }
    return out;
  };
  return told(
      spec, read, [&](sensor_id sensor) { return names[sensor - 1]; }, stop);
}

std::string to_text(const backtest_result& result) {
  const auto span_us = result.end_us - result.begin_us;
  std::string out = fmt::format("{} to {}: {} readings of {} sensors in {:.2f} s ({})\n\n", format_time(result.begin_us),
                                format_time(result.end_us), with_commas(result.readings), with_commas(result.sensors),
                                result.seconds, rate_text(static_cast<double>(result.readings) / std::max(1e-9, result.seconds)));
  out += fmt::format("{:<48}{:>10}{:>16}{:>30}{:>16}\n", "what", "count", "longest", "first", "share of time");
  for (const auto& line : result.lines) {
    out += fmt::format("{:<48}{:>10}{:>16}{:>30}{:>14.3g} %\n", title_of(line), with_commas(line.all.count),
                       duration_text(static_cast<double>(line.all.longest_us) / 1e6),
                       line.all.first_us ? format_time(*line.all.first_us) : "-",
                       100 * share_of_time(line.all, span_us, line.sensors));
    if (line.faults && line.faults->faults != 0)
      out += fmt::format("  found {} of {} known faults; {} of {} firings were right\n", line.faults->found, line.faults->faults,
                         line.faults->right, line.faults->firings);
  }
  if (!result.drafted.empty())
    out += fmt::format("\n{:<48}{:>12}{:>14}{:>14}{:>14}\n", "drafted", "readings", "least", "mean", "greatest");
  for (const auto& each : result.drafted)
    out += fmt::format("{:<48}{:>12}{:>14.6g}{:>14.6g}{:>14.6g}\n", each.sensor, with_commas(each.all.count), each.all.min,
                       each.all.count != 0 ? each.all.mean() : 0.0, each.all.max);
  if (const auto text = left_out_text(result); !text.empty()) out += "\n" + text + "\n";
  if (!result.differences.empty()) out += "\n";
  for (const auto& each : result.differences) out += each + "\n";
  return out;
}

}  // namespace factory::replay
