# Public data sets on which the statistics are pinned. Run: Rscript tests/reference/datasets.R > tests/reference/datasets.csv
# survival::lung (2 = died), survival::pbc rows 1-312 (2 = died, transplanted censored)
suppressPackageStartupMessages(library(survival))
cat("set,time,event,group,age\n")
cat(sprintf("lung,%d,%d,%d,%d\n", lung$time, as.integer(lung$status == 2), lung$sex, lung$age), sep = "")
p <- pbc[1:312, ]
cat(sprintf("pbc,%d,%d,%d,\n", p$time, as.integer(p$status == 2), p$trt), sep = "")
