#include "replay/file_replay.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <thread>
#include <utility>

#include "pipelines/decode/line_protocol.hpp"

namespace factory::replay {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto save_every = std::chrono::seconds(1);
constexpr auto due_together = std::chrono::milliseconds(10);
constexpr std::size_t most_earlier_rows = 8'000'000;  // 128 MB
constexpr auto look_for_stop_every = std::chrono::milliseconds(50);

std::string plain_name(const std::string& path) {
  std::filesystem::path name = std::filesystem::path(path).filename();
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  return name.stem().string();
}

}  // namespace

expected<file_format> guess_format(const std::string& path, text_window& text) {
  if (const file_format named = format_of_name(path); named != file_format::guess) return named;
  if (auto read = text.need(window_bytes); !read) return tl::unexpected(std::move(read.error()));
  std::string_view front = text.view();
  const std::size_t begin = front.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == std::string_view::npos) return file_format::guess;
  if (front[begin] == '{') return file_format::ndjson;
  if (front[begin] == '[')
    return fail(errc::malformed, "a JSON array cannot be replayed row by row; write one object a line (NDJSON)");
  line_reader lines;
  return lines.next(front, text.last()) == line_reader::found::row ? file_format::line_protocol : file_format::guess;
}

file_replay::file_replay(std::string path, context with) : path_(std::move(path)), with_(with), earlier_(most_earlier_rows) {
  if (path_ != "-") resume_.emplace(path_, with_.how.digest());
}

expected<void> file_replay::open() {
  auto source = byte_source::open(path_);
  if (!source) return tl::unexpected(std::move(source.error()));
  source_ = std::move(*source);
  text_ = std::make_unique<text_window>(*source_);
  file_format format = with_.how.format;
  if (format == file_format::guess) {
    const auto guessed = guess_format(path_, *text_);
    if (!guessed) return tl::unexpected(guessed.error());
    format = *guessed;
  }
  if (format == file_format::ndjson) {
    reader_ = make_ndjson_reader(with_.how, with_.sensors);
  } else if (format == file_format::line_protocol) {
    reader_ = make_line_protocol_reader(with_.how, with_.sensors);
  } else {
    reader_ = make_csv_reader(with_.how, plain_name(path_), with_.sensors);
  }
  if (auto begun = reader_->begin(*text_); !begun) return begun;
  if (with_.how.resume && resume_) {
    const auto from = resume_->load();
    if (!from) return tl::unexpected(from.error());
    if (*from && (*from)->bytes > text_->offset()) {
      if (auto skipped = text_->skip_to((*from)->bytes); !skipped) return skipped;
      if (auto sought = reader_->seek(**from); !sought) return sought;
    }
  }
  begin_ = acknowledged_ = reader_->at(*text_);
  last_save_ = clock::now();
  return {};
}

expected<outcome> file_replay::run() {
  if (auto opened = open(); !opened) return tl::unexpected(std::move(opened.error()));
  expected<bool> more = true;
  while (more && *more && !with_.stop) more = with_.how.speed > 0 ? paced_turn() : fast_turn();
  // Whatever ended it: what is under way is finished and its place kept.
  auto last = wait();
  with_.done.rows += reader_->report().rows;
  with_.done.empty_cells += reader_->report().empty_cells;
  with_.done.bad_cells += reader_->report().bad_cells;
  if (auto note = reader_->note(); !note.empty()) with_.done.notes.push_back(path_ + ": " + std::move(note));
  save(true);
  // A file with bad rows has to be changed, and is then replayed whole.
  if (with_.done.rejected != 0) forget();
  if (!more) return tl::unexpected(std::move(more.error()));
  if (!last) return tl::unexpected(std::move(last.error()));
  if (save_trouble_) with_.done.notes.push_back(save_trouble_->message);
  if (with_.stop && *more) return outcome::interrupted;
  with_.to.end_file();
  ++with_.done.files;
  return outcome::finished;
}

void file_replay::forget() const {
  if (resume_) resume_->remove();
}

/// Decodes one batch; a bad row in it is an error.
expected<bool> file_replay::decode(std::size_t most, batch_builder& rows) {
  auto more = reader_->next(*text_, most, rows);
  if (!more) return more;
  if (reader_->report().error_count != 0) {
    note_faults();
    return fail(errc::invalid, fmt::format("{} bad {}; the batch that holds them was not sent", with_.done.rejected,
                                           with_.done.rejected == 1 ? "entry" : "entries"));
  }
  keep_range(rows);
  with_.shown.draw(path_ == "-" ? "standard input" : plain_name(path_), source_->file_bytes_read(), source_->file_bytes(),
                   with_.done.sent);
  return more;
}

void file_replay::keep_range(batch_builder& rows) {
  const options& how = with_.how;
  if (how.from_us <= min_event_time_us && how.to_us >= max_event_time_us) return;
  kept_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t time_us = rows.times_us()[i];
    if (time_us >= how.from_us && time_us < how.to_us) kept_.append_row(rows, i);
  }
  with_.done.out_of_range += rows.size() - kept_.size();
  std::swap(rows, kept_);
}

void file_replay::note_faults() {
  const text_report& report = reader_->report();
  with_.done.rejected += report.error_count;
  for (const text_error& e : report.errors) {
    with_.done.faults.push_back(fmt::format("{}:{}: {}{}{}", path_, e.line, e.column, e.column.empty() ? "" : ": ", e.reason));
  }
}

expected<bool> file_replay::fast_turn() {
  batch_builder& rows = batches_[filling_];
  auto more = decode(with_.how.batch, rows);
  if (!more) return more;
  if (auto sent = submit(rows, reader_->at(*text_)); !sent) return tl::unexpected(std::move(sent.error()));
  return more;
}

/// One row: sent with its neighbours once its time has come.
expected<bool> file_replay::paced_turn() {
  batch_builder row;
  const place before = reader_->at(*text_);
  auto more = decode(1, row);
  if (!more || row.size() == 0) {
    if (auto sent = submit(batches_[filling_], reader_->at(*text_)); !sent) return tl::unexpected(std::move(sent.error()));
    return more;
  }
  const std::int64_t time_us = row.times_us().front();
  if (!first_time_us_) first_time_us_ = time_us, first_sent_ = clock::now();
  const auto offset = std::chrono::duration<double, std::micro>(static_cast<double>(time_us - *first_time_us_) / with_.how.speed);
  const auto due = first_sent_ + std::chrono::duration_cast<clock::duration>(offset);
  if (due > clock::now() + due_together || batches_[filling_].size() >= with_.how.batch) {
    // The rows before this one are due; it waits for its turn, and is read again by a resumed run if that never comes.
    if (auto sent = submit(batches_[filling_], before); !sent) return tl::unexpected(std::move(sent.error()));
    if (auto sent = wait(); !sent) return tl::unexpected(std::move(sent.error()));
    while (!with_.stop && clock::now() < due) std::this_thread::sleep_until(std::min(due, clock::now() + look_for_stop_every));
    if (with_.stop) return true;
  }
  batch_builder& rows = batches_[filling_];
  for (std::size_t i = 0; i < row.size(); ++i) rows.append_row(row, i);
  return more;
}

/// Once `rows` are stored, everything before `upto` is.
expected<void> file_replay::submit(batch_builder& rows, const place& upto) {
  if (auto before = wait(); !before) return before;
  sending_place_ = upto;
  if (rows.size() == 0) {
    acknowledged_ = sending_place_;
    return {};
  }
  auto repeats = find_repeats(rows);
  if (!repeats) return tl::unexpected(std::move(repeats.error()));
  const auto made = with_.sensors.make_missing();
  if (!made) return tl::unexpected(made.error());
  with_.to.made(*made);
  with_.sensors.replace_stand_ins(rows);
  sending_size_ = rows.size();
  sending_ = std::async(std::launch::async, [this, &rows, met = std::move(*repeats)] { return with_.to.send(rows, met); });
  filling_ = 1 - filling_;
  return {};
}

expected<void> file_replay::wait() {
  if (!sending_.valid()) return {};
  auto stored = sending_.get();
  if (!stored) return tl::unexpected(std::move(stored.error()));
  with_.done.sent += sending_size_;
  with_.done.stored.added += stored->added;
  with_.done.stored.same += stored->same;
  with_.done.stored.corrected += stored->corrected;
  acknowledged_ = sending_place_;
  save(false);
  return {};
}

/// Rows that meet an earlier one of the file. Where their values differ one of them would be lost.
expected<std::vector<std::uint32_t>> file_replay::find_repeats(const batch_builder& rows) {
  using meeting = earlier_rows::meeting;
  std::vector<std::uint32_t> met;
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    const auto sensor = rows.sensors()[row];
    const auto time_us = rows.times_us()[row];
    const double value = rows.values()[row];
    double before = 0;
    const meeting came = earlier_.put(sensor, time_us, value, before);
    if (came == meeting::none) continue;
    if (came != meeting::unknown) met.push_back(row);
    if (came == meeting::same) ++with_.done.repeated;
    if (came == meeting::other && with_.how.allow_overwrite) ++with_.done.overwritten;
    if (came == meeting::same || with_.how.allow_overwrite) continue;
    const std::string where = fmt::format("sensor {} at {}", with_.sensors.name_of(sensor), format_time(time_us));
    if (came == meeting::unknown) {
      return fail(errc::conflict,
                  fmt::format("{} lies among earlier rows that are no longer in memory, so whether it meets one of "
                              "them is not known; sort the file by time, or give --allow-overwrite",
                              where));
    }
    return fail(errc::conflict,
                fmt::format("{} has two values, {} and {}; the batch that holds the second was not sent. Is "
                            "a column or tag that tells them apart passed over? --allow-overwrite keeps the later one",
                            where, before, value));
  }
  return met;
}

void file_replay::save(bool now) {
  if (!resume_ || acknowledged_.bytes == begin_.bytes || (!now && clock::now() - last_save_ < save_every)) return;
  last_save_ = clock::now();
  if (auto saved = resume_->save(acknowledged_); !saved) save_trouble_ = std::move(saved.error());
}

}  // namespace factory::replay
