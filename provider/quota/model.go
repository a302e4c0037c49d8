package quota

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/headgate/terraform-provider-headgate/internal/api"
	"github.com/headgate/terraform-provider-headgate/internal/spec"
)

type model struct {
	ConnectionName         types.String  `tfsdk:"connection_name"`
	User                   types.String  `tfsdk:"user"`
	ClientID               types.String  `tfsdk:"client_id"`
	IP                     types.String  `tfsdk:"ip"`
	Entity                 types.String  `tfsdk:"entity"`
	ProducerByteRate       types.String  `tfsdk:"producer_byte_rate"`
	ConsumerByteRate       types.String  `tfsdk:"consumer_byte_rate"`
	RequestPercentage      types.Float64 `tfsdk:"request_percentage"`
	ControllerMutationRate types.Float64 `tfsdk:"controller_mutation_rate"`
	ConnectionCreationRate types.Float64 `tfsdk:"connection_creation_rate"`
}

func (m *model) entity() api.QuotaEntity {
	return api.QuotaEntity{User: m.User.ValueStringPointer(), ClientID: m.ClientID.ValueStringPointer(), IP: m.IP.ValueStringPointer()}
}

func (m *model) entityUnknown() bool {
	return m.User.IsUnknown() || m.ClientID.IsUnknown() || m.IP.IsUnknown()
}

// sizes and numbers are the quotas, by Kafka's names.
func (m *model) sizes() map[string]*types.String {
	return map[string]*types.String{api.QuotaProducerByteRate: &m.ProducerByteRate, api.QuotaConsumerByteRate: &m.ConsumerByteRate}
}

func (m *model) numbers() map[string]*types.Float64 {
	return map[string]*types.Float64{
		api.QuotaRequestPercentage: &m.RequestPercentage, api.QuotaControllerMutationRate: &m.ControllerMutationRate, api.QuotaConnectionCreationRate: &m.ConnectionCreationRate,
	}
}

// values are the quotas by Kafka's names, as they are written.
func (m *model) values() map[string]attr.Value {
	all := map[string]attr.Value{}
	for name, value := range m.sizes() {
		all[name] = *value
	}
	for name, value := range m.numbers() {
		all[name] = *value
	}
	return all
}

// declared names the quotas that are set.
func (m *model) declared() []string {
	var names []string
	for name, value := range m.values() {
		if !value.IsNull() {
			names = append(names, name)
		}
	}
	return names
}

// expand makes the request of a plan. What state declares and the plan no longer does is taken away.
func (m *model) expand(state model) api.ClientQuotaWrite {
	w := api.ClientQuotaWrite{Values: map[string]float64{}}
	before := state.values()
	for name, value := range m.values() {
		switch {
		case value.IsUnknown():
			w.Unknown = append(w.Unknown, spec.Join("/values", name))
		case value.IsNull() && before[name] != nil && !before[name].IsNull():
			w.Unset = append(w.Unset, name)
		case !value.IsNull():
			w.Values[name] = amount(value)
		}
	}
	return w
}

func amount(value attr.Value) float64 {
	switch v := value.(type) {
	case types.Float64:
		return v.ValueFloat64()
	case types.String:
		bytes, _ := spec.Size(v.ValueString()).Parse() // the validator has refused what is no size
		return float64(bytes)
	}
	return 0
}

// flatten shows the declared quotas, and after an import all.
func (m *model) flatten(a *api.ClientQuota, imported bool) error {
	if imported {
		entity, err := api.ParseQuotaEntity(a.Entity)
		if err != nil {
			return err
		}
		m.User, m.ClientID, m.IP = types.StringPointerValue(entity.User), types.StringPointerValue(entity.ClientID), types.StringPointerValue(entity.IP)
	}
	for name, at := range m.sizes() {
		value, has := a.Values[name]
		switch {
		case !has:
			*at = types.StringNull()
		case imported || !at.IsNull() && amount(*at) != value:
			*at = types.StringValue(rate(value))
		}
	}
	for name, at := range m.numbers() {
		value, has := a.Values[name]
		switch {
		case !has:
			*at = types.Float64Null()
		case imported || !at.IsNull():
			*at = types.Float64Value(value)
		}
	}
	return nil
}

// rate writes bytes as people do, where that is exact.
func rate(bytes float64) string {
	text := strconv.FormatFloat(bytes, 'f', -1, 64)
	if words := humanize.IBytes(uint64(bytes)); bytes >= 1024 && amount(types.StringValue(words)) == bytes {
		return strings.ReplaceAll(words, " ", "")
	}
	return text
}

// keepWords plans nothing where a size is the same in other words.
func (m *model) keepWords(state model) {
	before := state.sizes()
	for name, at := range m.sizes() {
		if had := before[name]; !at.IsNull() && !at.IsUnknown() && !had.IsNull() && amount(*at) == amount(*had) {
			*at = *had
		}
	}
}

// rateValidator takes sizes of at least a byte.
type rateValidator struct{}

func (rateValidator) Description(context.Context) string {
	return "a number of bytes per second such as 10MiB"
}

func (v rateValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (rateValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	bytes, err := spec.Size(req.ConfigValue.ValueString()).Parse()
	switch {
	case err != nil:
		resp.Diagnostics.AddAttributeError(req.Path, "Not a rate", fmt.Sprintf("%v. The rate is per second.", err))
	case bytes < 1:
		resp.Diagnostics.AddAttributeError(req.Path, "A quota is more than 0", "To deny access, use headgate_acl; to lift the quota, leave it out.")
	}
}
