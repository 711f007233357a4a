#include "replay/replay.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "replay/file_replay.hpp"

namespace factory::replay {

std::string to_text(const summary_figures& done) {
  std::string out;
  const auto line = [&](std::string_view name, const std::string& text) { out += fmt::format("{:<10}{}\n", name, text); };
  line("rows", fmt::format("{} in {} {}", with_commas(done.rows), done.files, done.files == 1 ? "file" : "files"));
  const changes& stored = done.stored;
  line("readings", fmt::format("{} sent, {} stored: {} new, {} the same as before, {} corrected", with_commas(done.sent),
                               with_commas(stored.stored()), with_commas(stored.added), with_commas(stored.same),
                               with_commas(stored.corrected)));
  if (done.repeated != 0) line("repeated", fmt::format("{} readings that their file holds twice", with_commas(done.repeated)));
  if (done.overwritten != 0)
    line("replaced", fmt::format("{} readings by later ones of their file", with_commas(done.overwritten)));
  if (done.sensors_made != 0) line("sensors", fmt::format("{} made", with_commas(done.sensors_made)));
  if (done.not_judged != 0)
    line("not judged", fmt::format("{} readings: late, from the future or of bad quality (/api/sensors/ID/status says which)",
                                   with_commas(done.not_judged)));
  if (done.empty_cells != 0) line("skipped", fmt::format("{} empty cells", with_commas(done.empty_cells)));
  if (done.bad_cells != 0) line("skipped", fmt::format("{} cells that are no numbers", with_commas(done.bad_cells)));
  if (done.out_of_range != 0)
    line("skipped", fmt::format("{} readings outside of --from and --to", with_commas(done.out_of_range)));
  for (const std::string& note : done.notes) line("note", note);
  if (done.rejected != 0) line("rejected", with_commas(done.rejected));
  for (const std::string& fault : done.faults) out += "  " + fault + "\n";
  if (done.rejected > done.faults.size()) out += fmt::format("  and {} more\n", with_commas(done.rejected - done.faults.size()));
  line("time", fmt::format("{:.2f} s, {}", done.seconds,
                           rate_text(done.seconds > 0 ? static_cast<double>(done.sent) / done.seconds : 0)));
  return out;
}

expected<outcome> run(const options& how, sink& to, const std::atomic<bool>& stop, summary_figures& done) {
  const auto begin = std::chrono::steady_clock::now();
  sensor_book sensors(to, how.auto_register);
  stored_tally tally(to);
  progress shown;
  std::vector<std::unique_ptr<file_replay>> files;
  const auto run_all = [&]() -> expected<outcome> {
    if (auto loaded = sensors.load(); !loaded) return tl::unexpected(std::move(loaded.error()));
    for (const std::string& path : how.files) {
      files.push_back(std::make_unique<file_replay>(path, file_replay::context{how, tally, sensors, stop, shown, done}));
      auto came = files.back()->run();
      if (!came) came.error().message = (path == "-" ? "standard input" : path) + ": " + came.error().message;
      if (!came || *came == outcome::interrupted) return came;
    }
    if (auto finished = to.finish(); !finished) return tl::unexpected(std::move(finished.error()));
    const auto unjudged = tally.not_judged();
    if (!unjudged) return tl::unexpected(unjudged.error());
    done.not_judged = *unjudged;
    for (const auto& file : files) file->forget();
    return outcome::finished;
  };
  auto came = run_all();
  shown.clear();
  done.sensors_made = sensors.made_count();
  done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return came;
}

}  // namespace factory::replay
