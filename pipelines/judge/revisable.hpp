#pragma once

#include <algorithm>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "pipelines/model/recent_rows.hpp"

namespace factory {

/// What judges the readings of one sensor in event-time order. Copyable: a copy goes on like the original.
///   observe     judges rows [begin, end); of those before, the newest `looks_back` are there if the sensor had so many
///   apply       takes an operator's command into force at its place among the readings
///   order, same `order` sorts findings by what they are about; `same` tells that one made again says nothing else than before
/// REQUIRES: what a finding says is a function of the rows and commands before it, not of how many rows were observed in one call.
template <class T>
concept judge = std::copyable<T> &&
    requires(T it, const T& known, const recent_rows& rows, const typename T::command& wanted, typename T::command& stored,
             std::vector<typename T::finding>& found, std::string& out, std::string_view& in) {
  { T::looks_back } -> std::convertible_to<std::size_t>;
  it.observe(rows, std::size_t{}, std::size_t{}, std::int64_t{}, found);
  it.apply(wanted, std::int64_t{}, found);
  { T::order(found[0], found[0]) } -> std::convertible_to<bool>;
  { T::same(found[0], found[0]) } -> std::convertible_to<bool>;
  known.encode(out);
  { it.decode(in) } -> std::convertible_to<bool>;
  T::put_command(out, wanted);
  { T::get_command(in, stored) } -> std::convertible_to<bool>;
};

/// A finding that reads otherwise since other rows are known. With both: the same finding with other figures.
template <class Finding>
struct difference {
  std::optional<Finding> before;  ///< nothing: it is new
  std::optional<Finding> after;   ///< nothing: it would not be made any more
};

/// Runs a judge in event-time order over rows that come out of order and are corrected: the findings, with all differences applied, are
/// those that the judge makes of the rows in order, whatever the order and the portions in which they came, and however often.
///
/// How: copies of the judge ("marks") stand at rising times. Where a row is put that is not the newest, the newest mark before it is
/// taken, and the rows behind that mark are judged again. A row in order costs the judge's observe() and now and then a copy.
///
/// From one mark to the next there are at most as many rows as from there to the newest one, or `spacing`: so there are few marks, most of
/// them near the newest row, and a row with `n` newer ones has about 2 n + spacing judged again. The spacing grows while rows come in order,
/// where marks are only a cost, and is the least again when one does not. Marks decide what is done again, never what is found.
///
/// Invariants: times of marks rise; the first mark is older than each row that may still come; rows() are those newer than the first
/// mark and looks_back before it.
template <judge Judge>
class revisable {
 public:
  using finding = typename Judge::finding;
  using command = typename Judge::command;
  using differences = std::vector<difference<finding>>;

  explicit revisable(Judge fresh) : now_(std::move(fresh)) { restart(); }

  const recent_rows& rows() const { return rows_; }
  const Judge& now() const { return now_; }
  /// No row older than this may be put.
  std::int64_t floor_us() const { return floor_us_; }
  /// What stands no more to be judged again: rows and commands up to settled_us(), which the judge settled() has seen ...
  std::int64_t settled_us() const { return marks_.front().at_us; }
  const Judge& settled() const { return marks_.front().state; }
  /// ... and what was found behind them, as it reads now.
  std::span<const finding> unsettled() {
    if (is_partly_known_) know_again();
    return made_;
  }

  /// Asks the processor for what append() reads. Inlined always: see reading_batch.
  [[gnu::always_inline]] void fetch_ahead() const {
    rows_.fetch_ahead(Judge::looks_back);
    now_.fetch_ahead();
  }

  /// Rows in time order, all newer than the newest (REQUIRED). Judged at once: findings are appended to `out`.
  void append(std::span<const std::int64_t> times_us, std::span<const double> values, std::int64_t received_at_us,
              std::vector<finding>& out) {
    rows_.append(times_us, values);
    const auto told = made_.size();
    observe(rows_.size() - values.size(), rows_.size(), received_at_us);
    out.insert(out.end(), made_.begin() + static_cast<std::ptrdiff_t>(told), made_.end());
  }

  /// Rows in time order without any of rows() between them, from floor_us() on (REQUIRED), or one that takes the place of another.
  /// Judged by revise(), which must follow when all are put.
  void put(std::span<const std::int64_t> times_us, std::span<const double> values) {
    if (is_partly_known_) know_again();
    const auto row = rows_.lower_bound(times_us.front());
    changed_from_us_ = std::min(changed_from_us_, times_us.front());
    if (row < rows_.size() && rows_.times_us()[row] == times_us.front())
      rows_.replace(row, values.front());
    else
      rows_.insert(row, times_us, values);
  }
  /// The row of this time, one of rows() from floor_us() on (REQUIRED), is no more. Judged by revise() likewise.
  void take_out(std::int64_t time_us) {
    if (is_partly_known_) know_again();
    changed_from_us_ = std::min(changed_from_us_, time_us);
    rows_.erase(rows_.lower_bound(time_us));
  }
  /// Judges again from the first row that was put or taken out. Appends to `out` what reads otherwise than before.
  void revise(std::int64_t received_at_us, differences& out) {
    if (changed_from_us_ == INT64_MAX) return;
    judge_again(std::exchange(changed_from_us_, INT64_MAX), received_at_us, out);
  }

  /// A command takes force behind the rows up to `at_us`, and behind the commands before it: places never fall (REQUIRED). A row that is not
  /// newer than its place must be put, not appended.
  void apply(command wanted, std::int64_t at_us, std::int64_t received_at_us, differences& out) {
    const bool is_last = rows_.empty() || rows_.newest_us() <= at_us;
    if (!is_last && is_partly_known_) know_again();
    commands_.push_back({at_us, std::move(wanted)});
    if (!is_last) return judge_again(at_us + 1, received_at_us, out);
    const auto told = made_.size();
    apply_next(received_at_us);
    for (auto i = told; i < made_.size(); ++i) out.push_back({std::nullopt, made_[i]});
  }
  /// Where the newest command took force that is still known; INT64_MIN when there is none.
  std::int64_t newest_command_us() const { return commands_.empty() ? INT64_MIN : commands_.back().at_us; }

  /// No row older than `floor_us` will be put: forgets what only those would need, but keeps rows from `keep_from_us` on. Where a
  /// restart has left more than `most_rows`, the marks between are made again.
  void settle(std::int64_t floor_us, std::int64_t keep_from_us = INT64_MAX, std::size_t most_rows = SIZE_MAX) {
    floor_us_ = std::max(floor_us_, floor_us);
    forget_settled(keep_from_us);
    if (is_partly_known_ && rows_.size() > most_rows) {
      know_again();
      forget_settled(keep_from_us);
    }
    give_back_room();
  }

  /// What it has found behind the rows that are settled, as it reads now.
  std::span<const finding> made() {
    if (is_partly_known_) know_again();
    return made_;
  }
  /// Begins anew behind rows that are settled, with a judge that has seen them and floor_us() as it is; append() gives it those behind.
  void stand_at(Judge settled) {
    const auto floor_us = floor_us_;
    restart([&](Judge& now) { now = std::move(settled); });
    floor_us_ = floor_us;
  }

  /// Stands still at `at_us`, which is settled (REQUIRED: below floor_us(), not below settled_us()): settled() has seen exactly what is up to there. All behind
  /// it stays to be judged again until let_go() or take_over(), also over encode and decode.
  void hold(std::int64_t at_us) {
    if (is_partly_known_) know_again();
    const auto from = std::prev(std::ranges::find_if(marks_, [at_us](const mark& each) { return each.at_us > at_us; }));
    mark edge{at_us, from->state, from->command_count, 0, 0};
    std::vector<finding> found;
    for (auto row = rows_.upper_bound(from->at_us);;) {
      const bool is_next = edge.command_count < commands_.size() && commands_[edge.command_count].at_us <= at_us;
      const auto end = rows_.upper_bound(is_next ? commands_[edge.command_count].at_us : at_us);
      if (row < end) edge.state.observe(rows_, row, end, 0, found);
      row = std::max(row, end);
      if (!is_next) break;
      edge.state.apply(commands_[edge.command_count++].what, 0, found);
    }
    edge.finding_count = from->finding_count + static_cast<count>(found.size());
    marks_.insert(marks_.erase(marks_.begin(), std::next(from)), std::move(edge));
    drop_before_first_mark();
    is_held_ = true;
  }
  void let_go() { is_held_ = false; }
  bool is_held() const { return is_held_; }
  /// Goes on from hold()'s place as if `settled` had stood there, with these rows up to there instead of those of their span; what was put or taken out
  /// behind it since counts. Appends to `out` what reads otherwise behind it. REQUIRES is_held().
  void take_over(Judge settled, const recent_rows& rows, std::int64_t received_at_us, differences& out) {
    if (is_partly_known_) know_again();
    if (!rows.empty()) put_before(rows, marks_.front().at_us);
    marks_.erase(std::next(marks_.begin()), marks_.end());
    marks_.front().state = std::move(settled);
    is_held_ = false;
    changed_from_us_ = INT64_MAX;
    judge_again(INT64_MAX, received_at_us, out);
  }

  /// Forgets all rows; the judge stays as it is and takes rows of any time.
  void restart(const std::function<void(Judge&)>& prepare = {}) {
    if (prepare) prepare(now_);
    rows_.clear();
    made_.clear();
    commands_.clear();
    marks_.clear();
    applied_ = since_mark_ = 0;
    add_mark(INT64_MIN);
    floor_us_ = INT64_MIN;
    spacing_ = most_spacing;
    is_partly_known_ = is_held_ = false;
  }

  /// Appended. Of the marks only the first: the others, and the findings behind it, are made again when they are needed.
  void encode(std::string& out) const {
    put_byte(out, is_held_ ? held_version : encoding_version);
    put_zigzag(out, floor_us_);
    put_zigzag(out, marks_.front().at_us);
    marks_.front().state.encode(out);
    now_.encode(out);
    put_varint(out, commands_.size());
    for (const auto& each : commands_) {
      put_zigzag(out, each.at_us);
      Judge::put_command(out, each.what);
    }
    put_rows(out, rows_);
  }
  /// Reads what encode wrote from the front of `in` and advances it; false, and anything in this, when damaged.
  bool decode(std::string_view& in) {
    std::uint8_t version = 0;
    std::uint64_t commands = 0;
    restart();
    auto& first = marks_.front();
    if (!get_byte(in, version) || version < encoding_version || version > held_version || !get_zigzag(in, floor_us_) ||
        !get_zigzag(in, first.at_us) || !first.state.decode(in) || !now_.decode(in) || !get_varint(in, commands) ||
        commands > in.size())
      return false;
    for (; commands > 0; --commands) {
      auto& each = commands_.emplace_back();
      if (!get_zigzag(in, each.at_us) || !Judge::get_command(in, each.what)) return false;
    }
    applied_ = static_cast<count>(commands_.size());
    is_partly_known_ = true;
    is_held_ = version == held_version;
    return get_rows(in, rows_);
  }

  std::size_t mark_count() const { return marks_.size(); }

 private:
  using count = std::uint32_t;  ///< of what is not settled: each idle sensor has all of these

  static constexpr std::uint8_t encoding_version = 1, held_version = 2;
  /// Bounds of `spacing`, in rows: a copy of a judge costs as much as judging some rows, and as much memory as 50 of them.
  static constexpr count least_spacing = 16, most_spacing = 64;

  struct placed_command {
    std::int64_t at_us = 0;
    command what;
  };
  struct mark {
    std::int64_t at_us;  ///< has seen the rows up to here
    Judge state;
    count command_count;  ///< of commands_ that it has seen
    count finding_count;  ///< of made_ that were made before it
    count rows_before;    ///< since the mark before
  };

  /// Marks stand between portions where they can: what overtakes another comes whole.
  void observe(std::size_t row, std::size_t end, std::int64_t received_at_us) {
    while (row < end) {
      if (since_mark_ >= spacing_) {
        add_mark(std::max(rows_.times_us()[row - 1], applied_ == 0 ? INT64_MIN : commands_[applied_ - 1].at_us));
        spacing_ = std::min(2 * spacing_, most_spacing);
      }
      const auto until = std::min(end, row + 2 * spacing_ - since_mark_);
      now_.observe(rows_, row, until, received_at_us, made_);
      since_mark_ += static_cast<count>(until - row);
      row = until;
    }
  }

  void apply_next(std::int64_t received_at_us) { now_.apply(commands_[applied_++].what, received_at_us, made_); }

  void add_mark(std::int64_t at_us) {
    marks_.push_back({at_us, now_, applied_, static_cast<count>(made_.size()), std::exchange(since_mark_, 0)});
    std::size_t newer_rows = 0;  // than mark i
    for (auto i = marks_.size() - 1; i > 1; --i) {
      const auto before = marks_[i - 1].rows_before;
      if (marks_[i].rows_before + before <= newer_rows) {
        marks_[i].rows_before += before;
        marks_.erase(marks_.begin() + static_cast<std::ptrdiff_t>(i) - 1);
      } else {
        newer_rows += marks_[i].rows_before;
      }
    }
  }

  /// Takes the newest mark before `from_us` and judges what is behind it.
  void judge_again(std::int64_t from_us, std::int64_t received_at_us, differences& out) {
    while (marks_.size() > 1 && marks_.back().at_us >= from_us) marks_.pop_back();
    assert(marks_.back().at_us < from_us);
    const auto& from = marks_.back();
    const auto kept = static_cast<std::ptrdiff_t>(from.finding_count);
    const std::vector<finding> before(made_.begin() + kept, made_.end());
    made_.erase(made_.begin() + kept, made_.end());
    now_ = from.state;
    applied_ = from.command_count;
    since_mark_ = 0;
    for (auto row = rows_.upper_bound(from.at_us);;) {
      const auto end = applied_ < commands_.size() ? rows_.upper_bound(commands_[applied_].at_us) : rows_.size();
      observe(row, end, received_at_us);
      row = end;
      if (applied_ == commands_.size()) break;
      apply_next(received_at_us);
    }
    spacing_ = least_spacing;
    compare(before, std::span<const finding>(made_).subspan(static_cast<std::size_t>(kept)), out);
  }

  /// After a restart: marks and findings behind the first mark.
  void know_again() {
    is_partly_known_ = false;
    marks_.erase(std::next(marks_.begin()), marks_.end());
    made_.clear();
    differences none;
    judge_again(INT64_MAX, 0, none);
  }

  /// Whether no row can come that stands before what happens at this time.
  bool is_settled(std::int64_t at_us) const { return at_us < floor_us_ || at_us == INT64_MIN; }

  void forget_settled(std::int64_t keep_from_us) {
    if (is_held_) return;
    const auto newest_us = std::max(rows_.empty() ? INT64_MIN : rows_.newest_us(), newest_command_us());
    if (is_settled(newest_us) && (newest_us > marks_.front().at_us || !commands_.empty()))
      marks_.push_back({newest_us, now_, static_cast<count>(commands_.size()), static_cast<count>(made_.size()),
                        std::exchange(since_mark_, 0)});
    const auto unsettled = std::ranges::find_if(marks_, [this](const mark& each) { return !is_settled(each.at_us); });
    if (unsettled == marks_.begin() || std::next(marks_.begin()) == unsettled) return;
    marks_.erase(marks_.begin(), std::prev(unsettled));
    is_partly_known_ = false;
    drop_before_first_mark();
    const auto behind = rows_.upper_bound(marks_.front().at_us);
    if (behind > Judge::looks_back) rows_.drop_front(std::min(behind - Judge::looks_back, rows_.lower_bound(keep_from_us)));
  }

  /// Commands and findings that the first mark has seen.
  void drop_before_first_mark() {
    const auto commands = marks_.front().command_count, findings = marks_.front().finding_count;
    commands_.erase(commands_.begin(), commands_.begin() + static_cast<std::ptrdiff_t>(commands));
    made_.erase(made_.begin(), made_.begin() + static_cast<std::ptrdiff_t>(findings));
    applied_ -= commands;
    for (auto& each : marks_) {
      each.command_count -= commands;
      each.finding_count -= findings;
    }
  }

  /// These rows, none behind `until_us`, instead of what is known from the first of them up to there.
  void put_before(const recent_rows& rows, std::int64_t until_us) {
    recent_rows all;
    const auto older = rows_.lower_bound(rows.times_us().front()), newer = rows_.upper_bound(until_us);
    all.append(rows_.times_us().first(older), rows_.values().first(older));
    all.append(rows.times_us(), rows.values());
    all.append(rows_.times_us().subspan(newer), rows_.values().subspan(newer));
    rows_ = std::move(all);
  }

  /// Many sensors have a board, and few ever anything on it: what a first command took is not kept for another.
  void give_back_room() {
    if (commands_.empty() && commands_.capacity() != 0) commands_.shrink_to_fit();
    if (rows_.empty() && marks_.size() < marks_.capacity()) marks_.shrink_to_fit();
  }

  /// What is gone, in the order in which it was made; then what is new or reads otherwise, likewise.
  static void compare(std::span<const finding> before, std::span<const finding> after, differences& out) {
    if (std::ranges::equal(before, after, Judge::same)) return;
    const auto by_subject = [](const finding* a, const finding* b) { return Judge::order(*a, *b); };
    const auto sorted = [&](std::span<const finding> all) {
      std::vector<const finding*> pointers;
      for (const auto& each : all) pointers.push_back(&each);
      std::ranges::sort(pointers, by_subject);
      return pointers;
    };
    const auto olds = sorted(before), news = sorted(after);
    const auto find = [&](const std::vector<const finding*>& in, const finding& wanted) -> const finding* {
      const auto found = std::ranges::lower_bound(in, &wanted, by_subject);
      return found == in.end() || Judge::order(wanted, **found) ? nullptr : *found;
    };
    for (const auto& each : before)
      if (!find(news, each)) out.push_back({each, std::nullopt});
    for (const auto& each : after) {
      const auto* const old = find(olds, each);
      if (!old)
        out.push_back({std::nullopt, each});
      else if (!Judge::same(*old, each))
        out.push_back({*old, each});
    }
  }

  recent_rows rows_;
  Judge now_;                             ///< has seen all rows and commands
  std::vector<mark> marks_;               ///< never empty
  std::vector<finding> made_;             ///< behind the first mark, as they read now
  std::vector<placed_command> commands_;  ///< behind the first mark
  count applied_ = 0;                     ///< of commands_, by now_
  count since_mark_ = 0;                  ///< rows behind the last mark
  count spacing_ = most_spacing;          ///< rows from mark to mark at least
  bool is_held_ = false;                  ///< the first mark stays
  bool is_partly_known_ = false;          ///< decoded: made_ and marks_ lack what was made before
  std::int64_t floor_us_ = INT64_MIN;
  std::int64_t changed_from_us_ = INT64_MAX;  ///< first row put or taken out since the last revise()
};

}  // namespace factory
