// conv and its two gradients against float64 loops over the definition: 1 to 3 axes, stride, padding, dilation, groups,
// every floating dtype, strided inputs, empty sizes, and bit-equal results for any number of threads.
#include "conv_case.h"

using namespace harness;

int main() {
  std::vector<ConvCase> cases = {
      {2, 3, 5, 1, {7, 9}, {3, 3}, {1, 1}, {0, 0}, {1, 1}, true},
      {2, 3, 5, 1, {8, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true},
      {1, 2, 3, 1, {11, 40}, {3, 5}, {1, 1}, {1, 2}, {1, 1}},
      {2, 4, 6, 2, {9, 11}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
      {2, 4, 6, 2, {10, 13}, {3, 2}, {2, 3}, {1, 0}, {2, 2}},
      {2, 6, 6, 6, {9, 17}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true},
      {2, 3, 6, 3, {9, 33}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {2, 5, 5, 5, {12, 9}, {3, 3}, {1, 1}, {4, 2}, {3, 2}},
      {2, 4, 4, 4, {13, 37}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
      {1, 3, 3, 3, {9, 20}, {2, 2}, {3, 3}, {0, 0}, {1, 1}},
      {2, 2, 2, 2, {5, 6, 7}, {3, 2, 3}, {1, 2, 1}, {1, 1, 1}, {1, 1, 2}, true},
      {1, 1, 1, 1, {70}, {7}, {1}, {3}, {1}, true},
      {1, 2, 2, 2, {3, 3}, {2, 2}, {1, 1}, {90, 80}, {1, 1}, true},
      {3, 8, 17, 1, {5, 6}, {1, 1}, {1, 1}, {0, 0}, {1, 1}, true},
      {2, 8, 7, 1, {6, 7}, {1, 1}, {2, 2}, {0, 0}, {1, 1}},
      {1, 2, 3, 1, {9, 9}, {2, 2}, {3, 3}, {0, 0}, {1, 1}},
      {1, 2, 3, 1, {5, 4}, {3, 3}, {1, 1}, {3, 4}, {1, 1}},
      {1, 2, 3, 1, {16, 15}, {3, 3}, {4, 6}, {2, 1}, {6, 4}},
      {2, 3, 4, 1, {37}, {5}, {1}, {2}, {1}, true},
      {2, 4, 4, 2, {50}, {3}, {2}, {3}, {4}},
      {2, 2, 3, 1, {4, 5, 6}, {2, 3, 2}, {1, 1, 1}, {1, 0, 1}, {1, 1, 1}, true},
      {1, 4, 4, 2, {5, 6, 7}, {3, 2, 3}, {2, 1, 2}, {1, 1, 1}, {1, 2, 1}},
      {2, 4, 6, 2, {7, 8}, {3, 3}, {2, 1}, {1, 1}, {1, 1}, true, true},
      // Positions enough for the direct convolution: bands of lines, parts of lines, several blocks of channels.
      {2, 5, 35, 1, {14, 14}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true},
      {1, 40, 9, 1, {17, 19}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true, true},
      {3, 3, 33, 1, {23, 21}, {7, 7}, {2, 2}, {3, 3}, {1, 1}, true},
      {2, 6, 8, 2, {25, 24}, {3, 2}, {2, 3}, {1, 0}, {2, 2}, true},
      {2, 70, 65, 1, {12, 13}, {1, 1}, {1, 1}, {0, 0}, {1, 1}},
      {5, 4, 6, 1, {16, 15}, {1, 1}, {2, 2}, {0, 0}, {1, 1}, true},
      {1, 3, 5, 1, {700}, {9}, {1}, {4}, {1}, true},
      {2, 2, 3, 1, {900}, {5}, {3}, {4}, {2}, true, true},
      {1, 3, 4, 1, {7, 8, 9}, {3, 2, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 2}, true},
      {2, 4, 4, 2, {9, 11, 13}, {2, 3, 3}, {2, 1, 2}, {1, 1, 1}, {1, 2, 1}},
      // Positions in lanes: bands of lines, columns of boxes, runs of taps, few filters per group, copied windows.
      {1, 3, 3, 3, {31, 37}, {5, 5}, {1, 1}, {2, 2}, {1, 1}, true},
      {1, 2, 2, 2, {16, 18}, {7, 7}, {1, 1}, {3, 3}, {1, 1}, true},
      {2, 8, 8, 2, {15, 17}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true},
      {2, 6, 3, 3, {14, 14}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
      {1, 5, 2, 1, {12, 19}, {3, 3}, {1, 1}, {1, 1}, {2, 3}},
      {1, 3, 7, 1, {20, 9}, {3, 2}, {2, 1}, {2, 3}, {1, 2}, true},
      {1, 2, 4, 2, {4, 9, 11}, {3, 3, 3}, {2, 1, 1}, {1, 1, 1}, {1, 1, 1}, true},
      {1, 2, 2, 2, {33, 1}, {5, 1}, {1, 1}, {2, 0}, {1, 1}},
      // One input along the last axis, fewer than the stride: the only phase, whose axes are joined.
      {1, 3, 4, 1, {300, 1}, {1, 5}, {1, 4}, {0, 2}, {1, 1}},
      // Strides with filters enough for columns: bands of lines, images together, few positions, every stride and
      // phase.
      {3, 20, 9, 1, {11, 13}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {5, 40, 17, 1, {40, 38}, {4, 4}, {2, 2}, {1, 1}, {1, 1}},
      {1, 3, 8, 1, {150, 157}, {7, 7}, {2, 2}, {3, 3}, {1, 1}},
      {2, 70, 16, 1, {14, 14}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {2, 18, 20, 2, {9, 40}, {3, 2}, {1, 2}, {1, 0}, {2, 3}, false, true},
      {2, 9, 11, 1, {17, 12}, {1, 1}, {3, 2}, {0, 0}, {1, 1}},
      {1, 5, 8, 1, {4000}, {16}, {8}, {4}, {1}},
      {2, 6, 9, 1, {9000}, {5}, {2}, {4}, {3}},
      {1, 7, 12, 1, {5, 8, 37}, {2, 3, 2}, {2, 1, 3}, {1, 1, 0}, {1, 2, 1}},
      {2, 4, 8, 1, {1, 9}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {0, 3, 9, 1, {6, 6}, {3, 3}, {2, 2}, {0, 0}, {1, 1}},
      {2, 0, 9, 1, {6, 6}, {3, 3}, {2, 2}, {0, 0}, {1, 1}},
      {2, 3, 3, 3, {9, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true, true},
      {2, 3, 4, 1, {6}, {1}, {1}, {0}, {1}, false, true},
      {0, 3, 4, 1, {6, 6}, {3, 3}, {1, 1}, {0, 0}, {1, 1}, true},
      {2, 0, 4, 1, {6, 6}, {3, 3}, {1, 1}, {0, 0}, {1, 1}, true},
      {2, 3, 0, 1, {6, 6}, {3, 3}, {1, 1}, {0, 0}, {1, 1}},
  };
  const std::vector<int> threads = {1, 2, 3};
  each_isa([&](const nr_backend& backend) {
    const std::vector<int32_t> dtypes = {nr_dtype_f32, nr_dtype_f16, nr_dtype_f64, nr_dtype_bf16};
    for (size_t i = 0; i < (is_slow() ? 2 : dtypes.size()); i++)
      for (const ConvCase& c : cases) check_conv({&backend}, threads, dtypes[i], c);
    // Every epilogue in each of the ways that are not Winograd's: by lines, plain and copied, as products, directly and
    // over patches.
    const std::vector<ConvCase> ways = {
        {2, 6, 6, 6, {9, 17}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true},
        {1, 4, 4, 4, {13, 37}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
        {2, 17, 18, 1, {4, 8}, {1, 1}, {1, 1}, {0, 0}, {1, 1}, true},
        {2, 5, 35, 1, {14, 14}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true},
        {1, 7, 19, 1, {9, 8}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
    };
    for (int32_t dtype : dtypes)
      for (ConvCase c : ways)
        for (c.activation = 0; c.activation < nr_activation_count; c.activation += is_slow() ? 3 : 1)
          for (bool residual : {false, true}) {
            c.residual = residual;
            check_conv({&backend}, {2}, dtype, c);
          }
    // Several blocks of depth, partial sums over positions, several tasks per image.
    check_conv({&backend}, threads, nr_dtype_f32, {1, 40, 35, 1, {20, 21}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true});
    check_conv({&backend}, threads, nr_dtype_f32, {9, 3, 16, 1, {16, 17}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, true});
    check_conv({&backend}, threads, nr_dtype_f32, {1, 9, 600, 1, {10, 12}, {2, 2}, {2, 2}, {0, 0}, {1, 1}});
    check_conv({&backend}, threads, nr_dtype_f32, {9, 50, 520, 1, {10, 12}, {1, 2}, {2, 2}, {0, 0}, {1, 1}});
    check_conv({&backend}, threads, nr_dtype_bf16, {6, 16, 18, 1, {15, 15}, {5, 5}, {2, 2}, {2, 2}, {1, 1}, true});
  });
  return report();
}
