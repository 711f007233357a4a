#pragma once

#include <utility>

#include "storage/journal/journal.hpp"

namespace factory {

/// Observes a commit group entry by entry.
inline journal::group_observer each(journal::observer visit) {
  return [visit = std::move(visit)](std::span<const journal_entry* const> group) {
    for (const auto* entry : group) visit(*entry);
  };
}

}  // namespace factory
