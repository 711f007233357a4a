#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pipelines/command/hand_over.hpp"
#include "pipelines/judge/revisable.hpp"
#include "pipelines/judge/revision_book.hpp"
#include "pipelines/model/event.hpp"

namespace factory {

/// What a live judge says when it has taken over a past (hand_over): the events up to the edge that concern it, then what reads otherwise behind it. A
/// finding that those events withdraw or tell anew goes as a whole; what happened to it behind the edge is told anew, too.
///   settled      of hand_over::events, those of this judge
///   differences  of revisable::take_over()
///   made         what the judge says behind the edge now
/// REQUIRES: `book` is the judge's.
std::vector<event> taken_over(const hand_over& past, std::vector<event> settled,
                              const std::vector<difference<event>>& differences, std::span<const event> made,
                              std::int64_t received_at_us, revision_book& book);

}  // namespace factory
