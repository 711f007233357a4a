#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace factory {

/// How much a list such as Accept or Accept-Encoding wants something, in thousandths (RFC 9110, 12.4.2): the weight of the item that
/// matches it most closely, its own name before `type/*` before `*`. Unset: the list says nothing of it. An item whose weight cannot be
/// read counts as not there; parameters of a type are passed over.
std::optional<unsigned> quality(std::string_view list, std::string_view offer);

/// Index of the offer that the list wants most; of equal ones the one that it names, then the one that it names first, then the first
/// offer. The first one too when the list is empty or rules all of them out: an answer of another type says more than none.
std::size_t preferred(std::string_view list, std::span<const std::string_view> offers);

}  // namespace factory
