# The command `ultraref` from a wheel of this folder, without the clone:
#   docker build -t ultraref .
#   docker run --rm -v "$PWD:/work" ultraref train phase3/gated.py --set busi --fold 0
FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# Where torch comes from: by default the index that pip is set to. For a CPU build say, e.g., "--index-url URL".
ARG TORCH_ARGUMENTS=""
COPY requirements/constraints.txt /wheels/
COPY --from=build /wheels /wheels
# MMEngine and MMCV require opencv-python, which needs libGL; the image has none, so the headless build takes its place.
RUN pip install --no-cache-dir $TORCH_ARGUMENTS -c /wheels/constraints.txt torch torchvision \
    && pip install --no-cache-dir -c /wheels/constraints.txt /wheels/*.whl \
    && pip uninstall --yes opencv-python \
    && pip install --no-cache-dir -c /wheels/constraints.txt opencv-python-headless \
    && ultraref list GATES
RUN useradd --create-home --uid 1000 ultraref
USER 1000
# data/, weights/ and work_dirs/ are looked for here, unless ULTRAREF_DATA and ULTRAREF_WEIGHTS say otherwise.
WORKDIR /work
ENTRYPOINT ["ultraref"]
CMD ["--help"]
